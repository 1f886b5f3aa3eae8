ALTER TABLE "platform" ADD COLUMN "meanings" jsonb;--> statement-breakpoint
ALTER TABLE "platform" ADD COLUMN "revision" integer;--> statement-breakpoint
ALTER TABLE "platform" ADD COLUMN "away_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "platform" ADD COLUMN "retried_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "platform_given" ADD COLUMN "targets" jsonb;