CREATE TABLE `tenant_domain` (
	`tenant_id` text NOT NULL,
	`domain` text NOT NULL,
	`challenge` text NOT NULL,
	`held` text,
	`verified_at` integer,
	`checked_at` integer,
	`failure` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `domain`),
	FOREIGN KEY (`tenant_id`) REFERENCES `tenant`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tenant_domain_held` ON `tenant_domain` (`held`);--> statement-breakpoint
CREATE TABLE `held_change` (
	`tenant_id` text NOT NULL,
	`user_id` text NOT NULL,
	`what` text NOT NULL,
	`target` text NOT NULL,
	`source` text NOT NULL,
	`rule` text NOT NULL,
	`value` text NOT NULL,
	`cause` text NOT NULL,
	`since` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `user_id`, `what`, `target`, `source`, `rule`),
	FOREIGN KEY (`tenant_id`,`user_id`) REFERENCES `app_user`(`tenant_id`,`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
ALTER TABLE `tenant` ADD `phase` text;--> statement-breakpoint
ALTER TABLE `tenant` ADD `mode_since` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `tenant` ADD `mode_before` text;--> statement-breakpoint
ALTER TABLE `tenant` ADD `seats` integer;--> statement-breakpoint
ALTER TABLE `app_user` ADD `status_since` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `app_user` ADD `lapsed_at` integer;--> statement-breakpoint
CREATE INDEX `app_user_by_status` ON `app_user` (`tenant_id`,`status`,`status_since`,`id`);--> statement-breakpoint
UPDATE app_user SET status_since = updated_at;--> statement-breakpoint
UPDATE tenant SET mode_since = created_at;--> statement-breakpoint
UPDATE tenant SET phase = 'live' WHERE mode = 'scim';
