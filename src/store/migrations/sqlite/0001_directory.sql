CREATE TABLE `user_group` (
	`tenant_id` text NOT NULL,
	`id` text NOT NULL,
	`display_name` text NOT NULL,
	`display_name_key` text NOT NULL,
	`external_id` text,
	`source` text NOT NULL,
	`version` integer NOT NULL,
	`unsettled_since` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `id`)
);
--> statement-breakpoint
CREATE INDEX `user_group_by_name` ON `user_group` (`tenant_id`,`display_name_key`);--> statement-breakpoint
CREATE UNIQUE INDEX `user_group_by_external_id` ON `user_group` (`tenant_id`,`external_id`);--> statement-breakpoint
CREATE INDEX `user_group_unsettled` ON `user_group` (`unsettled_since`);--> statement-breakpoint
CREATE TABLE `headcount` (
	`tenant_id` text PRIMARY KEY NOT NULL,
	`users` integer NOT NULL,
	`active` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `membership` (
	`tenant_id` text NOT NULL,
	`user_id` text NOT NULL,
	`group_id` text NOT NULL,
	`source` text NOT NULL,
	`since` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `user_id`, `group_id`, `source`),
	FOREIGN KEY (`tenant_id`,`user_id`) REFERENCES `app_user`(`tenant_id`,`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`tenant_id`,`group_id`) REFERENCES `user_group`(`tenant_id`,`id`) ON UPDATE cascade ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `membership_by_group` ON `membership` (`tenant_id`,`group_id`,`user_id`);--> statement-breakpoint
CREATE TABLE `scim_exchange` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`at` integer NOT NULL,
	`token` text NOT NULL,
	`method` text NOT NULL,
	`path` text NOT NULL,
	`client` text NOT NULL,
	`dialect` text NOT NULL,
	`status` integer NOT NULL,
	`ms` integer NOT NULL,
	`reference` text NOT NULL,
	`request` text,
	`answer` text,
	`warnings` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `scim_exchange_by_time` ON `scim_exchange` (`tenant_id`,`at`,`id`);--> statement-breakpoint
CREATE TABLE `user_value` (
	`tenant_id` text NOT NULL,
	`user_id` text NOT NULL,
	`attribute` text NOT NULL,
	`element` integer NOT NULL,
	`value` text NOT NULL,
	PRIMARY KEY(`tenant_id`, `user_id`, `attribute`, `element`)
);
--> statement-breakpoint
CREATE INDEX `user_value_by_value` ON `user_value` (`tenant_id`,`attribute`,`value`,`user_id`);--> statement-breakpoint
ALTER TABLE `api_key` ADD `kind` text DEFAULT 'api' NOT NULL;--> statement-breakpoint
ALTER TABLE `journal` ADD `action` text;--> statement-breakpoint
CREATE INDEX `journal_by_cause` ON `journal` (`tenant_id`,`cause`,`at`,`id`);--> statement-breakpoint
ALTER TABLE `app_user` ADD `barred_at` integer;--> statement-breakpoint
ALTER TABLE `app_user` ADD `restore_key` text;--> statement-breakpoint
ALTER TABLE `app_user` ADD `updated_at` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `app_user_by_restore_key` ON `app_user` (`tenant_id`,`restore_key`);--> statement-breakpoint
UPDATE app_user SET updated_at = created_at;--> statement-breakpoint
UPDATE app_user SET barred_at = created_at WHERE status = 'suspended';--> statement-breakpoint
INSERT INTO headcount (tenant_id, users, active)
SELECT tenant_id, count(*), sum(CASE WHEN status = 'active' THEN 1 ELSE 0 END) FROM app_user WHERE status <> 'deleted' GROUP BY tenant_id;
