CREATE TABLE "api_key" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"tenant_id" text collate "C",
	"name" text collate "C" NOT NULL,
	"prefix" text collate "C" NOT NULL,
	"hash" text collate "C" NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	"last_used_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "enrolment_grant" (
	"tenant_id" text collate "C" NOT NULL,
	"user_id" text collate "C" NOT NULL,
	"target" text collate "C" NOT NULL,
	"source" text collate "C" NOT NULL,
	"rule" text collate "C" NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "enrolment_grant_tenant_id_user_id_target_source_rule_pk" PRIMARY KEY("tenant_id","user_id","target","source","rule")
);
--> statement-breakpoint
CREATE TABLE "identity" (
	"tenant_id" text collate "C" NOT NULL,
	"source" text collate "C" NOT NULL,
	"subject" text collate "C" NOT NULL,
	"user_id" text collate "C" NOT NULL,
	"facts" jsonb,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "identity_tenant_id_source_subject_pk" PRIMARY KEY("tenant_id","source","subject")
);
--> statement-breakpoint
CREATE TABLE "idp_metadata" (
	"tenant_id" text collate "C" NOT NULL,
	"connection_id" text collate "C" NOT NULL,
	"url" text collate "C" NOT NULL,
	"xml" text collate "C" NOT NULL,
	"fetched_at" timestamp (3) with time zone NOT NULL,
	"valid_until" timestamp (3) with time zone,
	CONSTRAINT "idp_metadata_tenant_id_connection_id_pk" PRIMARY KEY("tenant_id","connection_id")
);
--> statement-breakpoint
CREATE TABLE "journal" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"tenant_id" text collate "C" NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"actor" text collate "C" NOT NULL,
	"cause" text collate "C" NOT NULL,
	"resource_type" text collate "C" NOT NULL,
	"resource_id" text collate "C",
	"outcome" text collate "C" NOT NULL,
	"code" text collate "C",
	"reference" text collate "C",
	"mapping_version" integer,
	"detail" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "kv" (
	"space" text collate "C" NOT NULL,
	"key" text collate "C" NOT NULL,
	"value" text collate "C" NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "kv_space_key_pk" PRIMARY KEY("space","key")
);
--> statement-breakpoint
CREATE TABLE "mapping_version" (
	"tenant_id" text collate "C" NOT NULL,
	"version" integer NOT NULL,
	"digest" text collate "C" NOT NULL,
	"document" jsonb NOT NULL,
	"author" text collate "C" NOT NULL,
	"comment" text collate "C",
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "mapping_version_tenant_id_version_pk" PRIMARY KEY("tenant_id","version")
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"tenant_id" text collate "C" NOT NULL,
	"user_id" text collate "C" NOT NULL,
	"platform" text collate "C" NOT NULL,
	"plan_id" text collate "C" NOT NULL,
	"effects" jsonb NOT NULL,
	"attempts" integer NOT NULL,
	"due_at" timestamp (3) with time zone NOT NULL,
	"claimed_by" text collate "C",
	"claimed_until" timestamp (3) with time zone,
	"failed_reason" text collate "C",
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "signin" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"tenant_id" text collate "C" NOT NULL,
	"connection_id" text collate "C",
	"user_id" text collate "C",
	"at" timestamp (3) with time zone NOT NULL,
	"outcome" text collate "C" NOT NULL,
	"code" text collate "C",
	"check_name" text collate "C",
	"reference" text collate "C" NOT NULL,
	"detail" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tenant" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"mode" text collate "C" NOT NULL,
	"document" text collate "C" NOT NULL,
	"digest" text collate "C" NOT NULL,
	"revision" integer NOT NULL,
	"mapping_version" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "app_user" (
	"tenant_id" text collate "C" NOT NULL,
	"id" text collate "C" NOT NULL,
	"user_name" text collate "C" NOT NULL,
	"user_name_key" text collate "C" NOT NULL,
	"email" text collate "C" NOT NULL,
	"email_key" text collate "C" NOT NULL,
	"display_name" text collate "C" NOT NULL,
	"given_name" text collate "C" NOT NULL,
	"family_name" text collate "C" NOT NULL,
	"locale" text collate "C" NOT NULL,
	"timezone" text collate "C" NOT NULL,
	"title" text collate "C" NOT NULL,
	"external_id" text collate "C",
	"status" text collate "C" NOT NULL,
	"role" text collate "C" NOT NULL,
	"fields" jsonb NOT NULL,
	"version" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "app_user_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
CREATE TABLE "vault" (
	"tenant_id" text collate "C" NOT NULL,
	"purpose" text collate "C" NOT NULL,
	"sealed" text collate "C" NOT NULL,
	"public" text collate "C" NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "vault_tenant_id_purpose_pk" PRIMARY KEY("tenant_id","purpose")
);
--> statement-breakpoint
ALTER TABLE "enrolment_grant" ADD CONSTRAINT "enrolment_grant_tenant_id_user_id_app_user_tenant_id_id_fk" FOREIGN KEY ("tenant_id","user_id") REFERENCES "public"."app_user"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "identity" ADD CONSTRAINT "identity_tenant_id_user_id_app_user_tenant_id_id_fk" FOREIGN KEY ("tenant_id","user_id") REFERENCES "public"."app_user"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mapping_version" ADD CONSTRAINT "mapping_version_tenant_id_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenant"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "api_key_by_hash" ON "api_key" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "enrolment_grant_by_target" ON "enrolment_grant" USING btree ("tenant_id","target");--> statement-breakpoint
CREATE INDEX "identity_by_user" ON "identity" USING btree ("tenant_id","user_id");--> statement-breakpoint
CREATE INDEX "journal_by_time" ON "journal" USING btree ("tenant_id","at","id");--> statement-breakpoint
CREATE INDEX "journal_by_resource" ON "journal" USING btree ("tenant_id","resource_id","at","id");--> statement-breakpoint
CREATE INDEX "journal_by_reference" ON "journal" USING btree ("tenant_id","reference","at","id");--> statement-breakpoint
CREATE INDEX "kv_by_expiry" ON "kv" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "outbox_by_due" ON "outbox" USING btree ("due_at");--> statement-breakpoint
CREATE INDEX "signin_by_time" ON "signin" USING btree ("tenant_id","at","id");--> statement-breakpoint
CREATE INDEX "signin_by_user" ON "signin" USING btree ("tenant_id","user_id","at","id");--> statement-breakpoint
CREATE INDEX "signin_by_reference" ON "signin" USING btree ("tenant_id","reference","at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "app_user_by_user_name" ON "app_user" USING btree ("tenant_id","user_name_key");--> statement-breakpoint
CREATE UNIQUE INDEX "app_user_by_external_id" ON "app_user" USING btree ("tenant_id","external_id");--> statement-breakpoint
CREATE INDEX "app_user_by_email" ON "app_user" USING btree ("tenant_id","email_key");