CREATE TABLE "tenant_domain" (
	"tenant_id" text collate "C" NOT NULL,
	"domain" text collate "C" NOT NULL,
	"challenge" text collate "C" NOT NULL,
	"held" text collate "C",
	"verified_at" timestamp (3) with time zone,
	"checked_at" timestamp (3) with time zone,
	"failure" text collate "C",
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "tenant_domain_tenant_id_domain_pk" PRIMARY KEY("tenant_id","domain")
);
--> statement-breakpoint
CREATE TABLE "held_change" (
	"tenant_id" text collate "C" NOT NULL,
	"user_id" text collate "C" NOT NULL,
	"what" text collate "C" NOT NULL,
	"target" text collate "C" NOT NULL,
	"source" text collate "C" NOT NULL,
	"rule" text collate "C" NOT NULL,
	"value" text collate "C" NOT NULL,
	"cause" text collate "C" NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "held_change_tenant_id_user_id_what_target_source_rule_pk" PRIMARY KEY("tenant_id","user_id","what","target","source","rule")
);
--> statement-breakpoint
ALTER TABLE "tenant" ADD COLUMN "phase" text collate "C";--> statement-breakpoint
ALTER TABLE "tenant" ADD COLUMN "mode_since" timestamp (3) with time zone DEFAULT '1970-01-01' NOT NULL;--> statement-breakpoint
ALTER TABLE "tenant" ADD COLUMN "mode_before" text collate "C";--> statement-breakpoint
ALTER TABLE "tenant" ADD COLUMN "seats" integer;--> statement-breakpoint
ALTER TABLE "app_user" ADD COLUMN "status_since" timestamp (3) with time zone DEFAULT '1970-01-01' NOT NULL;--> statement-breakpoint
ALTER TABLE "app_user" ADD COLUMN "lapsed_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tenant_domain" ADD CONSTRAINT "tenant_domain_tenant_id_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenant"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "held_change" ADD CONSTRAINT "held_change_tenant_id_user_id_app_user_tenant_id_id_fk" FOREIGN KEY ("tenant_id","user_id") REFERENCES "public"."app_user"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "tenant_domain_held" ON "tenant_domain" USING btree ("held");--> statement-breakpoint
CREATE INDEX "app_user_by_status" ON "app_user" USING btree ("tenant_id","status","status_since","id");--> statement-breakpoint
UPDATE app_user SET status_since = updated_at;--> statement-breakpoint
UPDATE tenant SET mode_since = created_at;--> statement-breakpoint
UPDATE tenant SET phase = 'live' WHERE mode = 'scim';
