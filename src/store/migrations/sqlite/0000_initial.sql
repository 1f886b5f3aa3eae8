CREATE TABLE `api_key` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text,
	`name` text NOT NULL,
	`prefix` text NOT NULL,
	`hash` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`revoked_at` integer,
	`last_used_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_key_by_hash` ON `api_key` (`hash`);--> statement-breakpoint
CREATE TABLE `enrolment_grant` (
	`tenant_id` text NOT NULL,
	`user_id` text NOT NULL,
	`target` text NOT NULL,
	`source` text NOT NULL,
	`rule` text NOT NULL,
	`since` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `user_id`, `target`, `source`, `rule`),
	FOREIGN KEY (`tenant_id`,`user_id`) REFERENCES `app_user`(`tenant_id`,`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `enrolment_grant_by_target` ON `enrolment_grant` (`tenant_id`,`target`);--> statement-breakpoint
CREATE TABLE `identity` (
	`tenant_id` text NOT NULL,
	`source` text NOT NULL,
	`subject` text NOT NULL,
	`user_id` text NOT NULL,
	`facts` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `source`, `subject`),
	FOREIGN KEY (`tenant_id`,`user_id`) REFERENCES `app_user`(`tenant_id`,`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `identity_by_user` ON `identity` (`tenant_id`,`user_id`);--> statement-breakpoint
CREATE TABLE `idp_metadata` (
	`tenant_id` text NOT NULL,
	`connection_id` text NOT NULL,
	`url` text NOT NULL,
	`xml` text NOT NULL,
	`fetched_at` integer NOT NULL,
	`valid_until` integer,
	PRIMARY KEY(`tenant_id`, `connection_id`)
);
--> statement-breakpoint
CREATE TABLE `journal` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`at` integer NOT NULL,
	`actor` text NOT NULL,
	`cause` text NOT NULL,
	`resource_type` text NOT NULL,
	`resource_id` text,
	`outcome` text NOT NULL,
	`code` text,
	`reference` text,
	`mapping_version` integer,
	`detail` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `journal_by_time` ON `journal` (`tenant_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `journal_by_resource` ON `journal` (`tenant_id`,`resource_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `journal_by_reference` ON `journal` (`tenant_id`,`reference`,`at`,`id`);--> statement-breakpoint
CREATE TABLE `kv` (
	`space` text NOT NULL,
	`key` text NOT NULL,
	`value` text NOT NULL,
	`expires_at` integer NOT NULL,
	PRIMARY KEY(`space`, `key`)
);
--> statement-breakpoint
CREATE INDEX `kv_by_expiry` ON `kv` (`expires_at`);--> statement-breakpoint
CREATE TABLE `mapping_version` (
	`tenant_id` text NOT NULL,
	`version` integer NOT NULL,
	`digest` text NOT NULL,
	`document` text NOT NULL,
	`author` text NOT NULL,
	`comment` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `version`),
	FOREIGN KEY (`tenant_id`) REFERENCES `tenant`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `outbox` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`user_id` text NOT NULL,
	`platform` text NOT NULL,
	`plan_id` text NOT NULL,
	`effects` text NOT NULL,
	`attempts` integer NOT NULL,
	`due_at` integer NOT NULL,
	`claimed_by` text,
	`claimed_until` integer,
	`failed_reason` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `outbox_by_due` ON `outbox` (`due_at`);--> statement-breakpoint
CREATE TABLE `signin` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`connection_id` text,
	`user_id` text,
	`at` integer NOT NULL,
	`outcome` text NOT NULL,
	`code` text,
	`check_name` text,
	`reference` text NOT NULL,
	`detail` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `signin_by_time` ON `signin` (`tenant_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `signin_by_user` ON `signin` (`tenant_id`,`user_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `signin_by_reference` ON `signin` (`tenant_id`,`reference`,`at`,`id`);--> statement-breakpoint
CREATE TABLE `tenant` (
	`id` text PRIMARY KEY NOT NULL,
	`mode` text NOT NULL,
	`document` text NOT NULL,
	`digest` text NOT NULL,
	`revision` integer NOT NULL,
	`mapping_version` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `app_user` (
	`tenant_id` text NOT NULL,
	`id` text NOT NULL,
	`user_name` text NOT NULL,
	`user_name_key` text NOT NULL,
	`email` text NOT NULL,
	`email_key` text NOT NULL,
	`display_name` text NOT NULL,
	`given_name` text NOT NULL,
	`family_name` text NOT NULL,
	`locale` text NOT NULL,
	`timezone` text NOT NULL,
	`title` text NOT NULL,
	`external_id` text,
	`status` text NOT NULL,
	`role` text NOT NULL,
	`fields` text NOT NULL,
	`version` integer NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `id`)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `app_user_by_user_name` ON `app_user` (`tenant_id`,`user_name_key`);--> statement-breakpoint
CREATE UNIQUE INDEX `app_user_by_external_id` ON `app_user` (`tenant_id`,`external_id`);--> statement-breakpoint
CREATE INDEX `app_user_by_email` ON `app_user` (`tenant_id`,`email_key`);--> statement-breakpoint
CREATE TABLE `vault` (
	`tenant_id` text NOT NULL,
	`purpose` text NOT NULL,
	`sealed` text NOT NULL,
	`public` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `purpose`)
);
