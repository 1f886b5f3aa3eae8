CREATE TABLE "outbox" (
	"tenant_id" text collate "C" NOT NULL,
	"platform" text collate "C" NOT NULL,
	"user_id" text collate "C" NOT NULL,
	"id" text collate "C" NOT NULL,
	"wanted" integer NOT NULL,
	"place" integer NOT NULL,
	"look" integer NOT NULL,
	"attempts" integer NOT NULL,
	"due_at" timestamp (3) with time zone NOT NULL,
	"claimed_by" text collate "C",
	"claimed_until" timestamp (3) with time zone,
	"failed_code" text collate "C",
	"failed_reason" text collate "C",
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "outbox_tenant_id_platform_user_id_pk" PRIMARY KEY("tenant_id","platform","user_id")
);
--> statement-breakpoint
CREATE TABLE "platform" (
	"tenant_id" text collate "C" NOT NULL,
	"platform" text collate "C" NOT NULL,
	"place" text collate "C" NOT NULL,
	"entries" jsonb,
	"entries_at" timestamp (3) with time zone,
	"cursor" text collate "C",
	"halted_at" timestamp (3) with time zone,
	"halted_code" text collate "C",
	"halted_reason" text collate "C",
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "platform_tenant_id_platform_pk" PRIMARY KEY("tenant_id","platform")
);
--> statement-breakpoint
CREATE TABLE "platform_account" (
	"tenant_id" text collate "C" NOT NULL,
	"platform" text collate "C" NOT NULL,
	"user_id" text collate "C" NOT NULL,
	"account_id" text collate "C",
	"profile" text collate "C",
	"privileged" integer NOT NULL,
	"looked_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "platform_account_tenant_id_platform_user_id_pk" PRIMARY KEY("tenant_id","platform","user_id")
);
--> statement-breakpoint
CREATE TABLE "platform_given" (
	"tenant_id" text collate "C" NOT NULL,
	"platform" text collate "C" NOT NULL,
	"user_id" text collate "C" NOT NULL,
	"kind" text collate "C" NOT NULL,
	"id" text collate "C" NOT NULL,
	"name" text collate "C" NOT NULL,
	"state" text collate "C" NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "platform_given_tenant_id_user_id_platform_kind_id_pk" PRIMARY KEY("tenant_id","user_id","platform","kind","id")
);
--> statement-breakpoint
DROP INDEX "enrolment_grant_by_target";--> statement-breakpoint
CREATE INDEX "outbox_by_turn" ON "outbox" USING btree ("tenant_id","platform","place","created_at","user_id");--> statement-breakpoint
CREATE INDEX "outbox_by_user" ON "outbox" USING btree ("tenant_id","user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "platform_account_by_account" ON "platform_account" USING btree ("tenant_id","platform","account_id");--> statement-breakpoint
CREATE INDEX "platform_account_by_user" ON "platform_account" USING btree ("tenant_id","user_id");--> statement-breakpoint
CREATE INDEX "platform_given_by_state" ON "platform_given" USING btree ("tenant_id","state","platform","user_id");--> statement-breakpoint
CREATE INDEX "enrolment_grant_by_target" ON "enrolment_grant" USING btree ("tenant_id","target","user_id");