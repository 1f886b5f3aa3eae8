CREATE TABLE "user_group" (
	"tenant_id" text collate "C" NOT NULL,
	"id" text collate "C" NOT NULL,
	"display_name" text collate "C" NOT NULL,
	"display_name_key" text collate "C" NOT NULL,
	"external_id" text collate "C",
	"source" text collate "C" NOT NULL,
	"version" integer NOT NULL,
	"unsettled_since" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "user_group_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
CREATE TABLE "headcount" (
	"tenant_id" text collate "C" PRIMARY KEY NOT NULL,
	"users" integer NOT NULL,
	"active" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "membership" (
	"tenant_id" text collate "C" NOT NULL,
	"user_id" text collate "C" NOT NULL,
	"group_id" text collate "C" NOT NULL,
	"source" text collate "C" NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "membership_tenant_id_user_id_group_id_source_pk" PRIMARY KEY("tenant_id","user_id","group_id","source")
);
--> statement-breakpoint
CREATE TABLE "scim_exchange" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"tenant_id" text collate "C" NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"token" text collate "C" NOT NULL,
	"method" text collate "C" NOT NULL,
	"path" text collate "C" NOT NULL,
	"client" text collate "C" NOT NULL,
	"dialect" text collate "C" NOT NULL,
	"status" integer NOT NULL,
	"ms" integer NOT NULL,
	"reference" text collate "C" NOT NULL,
	"request" jsonb,
	"answer" jsonb,
	"warnings" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "user_value" (
	"tenant_id" text collate "C" NOT NULL,
	"user_id" text collate "C" NOT NULL,
	"attribute" text collate "C" NOT NULL,
	"element" integer NOT NULL,
	"value" text collate "C" NOT NULL,
	CONSTRAINT "user_value_tenant_id_user_id_attribute_element_pk" PRIMARY KEY("tenant_id","user_id","attribute","element")
);
--> statement-breakpoint
ALTER TABLE "api_key" ADD COLUMN "kind" text collate "C" DEFAULT 'api' NOT NULL;--> statement-breakpoint
ALTER TABLE "journal" ADD COLUMN "action" text collate "C";--> statement-breakpoint
ALTER TABLE "app_user" ADD COLUMN "barred_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "app_user" ADD COLUMN "restore_key" text collate "C";--> statement-breakpoint
ALTER TABLE "app_user" ADD COLUMN "updated_at" timestamp (3) with time zone DEFAULT '1970-01-01' NOT NULL;--> statement-breakpoint
ALTER TABLE "membership" ADD CONSTRAINT "membership_tenant_id_user_id_app_user_tenant_id_id_fk" FOREIGN KEY ("tenant_id","user_id") REFERENCES "public"."app_user"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "membership" ADD CONSTRAINT "membership_tenant_id_group_id_user_group_tenant_id_id_fk" FOREIGN KEY ("tenant_id","group_id") REFERENCES "public"."user_group"("tenant_id","id") ON DELETE no action ON UPDATE cascade;--> statement-breakpoint
CREATE INDEX "user_group_by_name" ON "user_group" USING btree ("tenant_id","display_name_key");--> statement-breakpoint
CREATE UNIQUE INDEX "user_group_by_external_id" ON "user_group" USING btree ("tenant_id","external_id");--> statement-breakpoint
CREATE INDEX "user_group_unsettled" ON "user_group" USING btree ("unsettled_since");--> statement-breakpoint
CREATE INDEX "membership_by_group" ON "membership" USING btree ("tenant_id","group_id","user_id");--> statement-breakpoint
CREATE INDEX "scim_exchange_by_time" ON "scim_exchange" USING btree ("tenant_id","at","id");--> statement-breakpoint
CREATE INDEX "user_value_by_value" ON "user_value" USING btree ("tenant_id","attribute","value","user_id");--> statement-breakpoint
CREATE INDEX "journal_by_cause" ON "journal" USING btree ("tenant_id","cause","at","id");--> statement-breakpoint
CREATE INDEX "app_user_by_restore_key" ON "app_user" USING btree ("tenant_id","restore_key");--> statement-breakpoint
UPDATE app_user SET updated_at = created_at;--> statement-breakpoint
UPDATE app_user SET barred_at = created_at WHERE status = 'suspended';--> statement-breakpoint
INSERT INTO headcount (tenant_id, users, active)
SELECT tenant_id, count(*), sum(CASE WHEN status = 'active' THEN 1 ELSE 0 END) FROM app_user WHERE status <> 'deleted' GROUP BY tenant_id;
