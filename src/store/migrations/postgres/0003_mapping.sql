CREATE TABLE "publication" (
	"tenant_id" text collate "C" NOT NULL,
	"revision" integer NOT NULL,
	"mapping_version" integer NOT NULL,
	"actor" text collate "C" NOT NULL,
	"comment" text collate "C",
	"brake" text collate "C",
	"state" text collate "C" NOT NULL,
	"cursor" text collate "C" NOT NULL,
	"people" integer NOT NULL,
	"done" integer NOT NULL,
	"changed" integer NOT NULL,
	"gaining" integer NOT NULL,
	"losing" integer NOT NULL,
	"holding" integer NOT NULL,
	"claimed_by" text collate "C",
	"claimed_until" timestamp (3) with time zone,
	"started_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "publication_tenant_id_revision_pk" PRIMARY KEY("tenant_id","revision")
);
--> statement-breakpoint
ALTER TABLE "mapping_version" ADD COLUMN "text" text collate "C" DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "tenant" ADD COLUMN "origin" text collate "C" DEFAULT 'file' NOT NULL;--> statement-breakpoint
ALTER TABLE "tenant" ADD COLUMN "file_digest" text collate "C" DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "tenant" ADD COLUMN "brake" text collate "C";--> statement-breakpoint
ALTER TABLE "publication" ADD CONSTRAINT "publication_tenant_id_tenant_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenant"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "publication_by_state" ON "publication" USING btree ("state","started_at");--> statement-breakpoint
UPDATE tenant SET file_digest = digest;--> statement-breakpoint
UPDATE mapping_version SET text = (SELECT t.document FROM tenant t WHERE t.id = mapping_version.tenant_id) WHERE EXISTS (SELECT 1 FROM tenant t WHERE t.id = mapping_version.tenant_id AND t.mapping_version = mapping_version.version);
