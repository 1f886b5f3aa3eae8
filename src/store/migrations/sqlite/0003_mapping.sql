CREATE TABLE `publication` (
	`tenant_id` text NOT NULL,
	`revision` integer NOT NULL,
	`mapping_version` integer NOT NULL,
	`actor` text NOT NULL,
	`comment` text,
	`brake` text,
	`state` text NOT NULL,
	`cursor` text NOT NULL,
	`people` integer NOT NULL,
	`done` integer NOT NULL,
	`changed` integer NOT NULL,
	`gaining` integer NOT NULL,
	`losing` integer NOT NULL,
	`holding` integer NOT NULL,
	`claimed_by` text,
	`claimed_until` integer,
	`started_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `revision`),
	FOREIGN KEY (`tenant_id`) REFERENCES `tenant`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `publication_by_state` ON `publication` (`state`,`started_at`);--> statement-breakpoint
ALTER TABLE `mapping_version` ADD `text` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `tenant` ADD `origin` text DEFAULT 'file' NOT NULL;--> statement-breakpoint
ALTER TABLE `tenant` ADD `file_digest` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `tenant` ADD `brake` text;--> statement-breakpoint
UPDATE tenant SET file_digest = digest;--> statement-breakpoint
UPDATE mapping_version SET text = (SELECT t.document FROM tenant t WHERE t.id = mapping_version.tenant_id) WHERE EXISTS (SELECT 1 FROM tenant t WHERE t.id = mapping_version.tenant_id AND t.mapping_version = mapping_version.version);
