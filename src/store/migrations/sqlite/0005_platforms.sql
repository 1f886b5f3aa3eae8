CREATE TABLE `outbox` (
	`tenant_id` text NOT NULL,
	`platform` text NOT NULL,
	`user_id` text NOT NULL,
	`id` text NOT NULL,
	`wanted` integer NOT NULL,
	`place` integer NOT NULL,
	`look` integer NOT NULL,
	`attempts` integer NOT NULL,
	`due_at` integer NOT NULL,
	`claimed_by` text,
	`claimed_until` integer,
	`failed_code` text,
	`failed_reason` text,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `platform`, `user_id`)
);
--> statement-breakpoint
CREATE INDEX `outbox_by_turn` ON `outbox` (`tenant_id`,`platform`,`place`,`created_at`,`user_id`);--> statement-breakpoint
CREATE INDEX `outbox_by_user` ON `outbox` (`tenant_id`,`user_id`);--> statement-breakpoint
CREATE TABLE `platform` (
	`tenant_id` text NOT NULL,
	`platform` text NOT NULL,
	`place` text NOT NULL,
	`entries` text,
	`entries_at` integer,
	`cursor` text,
	`halted_at` integer,
	`halted_code` text,
	`halted_reason` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `platform`)
);
--> statement-breakpoint
CREATE TABLE `platform_account` (
	`tenant_id` text NOT NULL,
	`platform` text NOT NULL,
	`user_id` text NOT NULL,
	`account_id` text,
	`profile` text,
	`privileged` integer NOT NULL,
	`looked_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `platform`, `user_id`)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `platform_account_by_account` ON `platform_account` (`tenant_id`,`platform`,`account_id`);--> statement-breakpoint
CREATE INDEX `platform_account_by_user` ON `platform_account` (`tenant_id`,`user_id`);--> statement-breakpoint
CREATE TABLE `platform_given` (
	`tenant_id` text NOT NULL,
	`platform` text NOT NULL,
	`user_id` text NOT NULL,
	`kind` text NOT NULL,
	`id` text NOT NULL,
	`name` text NOT NULL,
	`state` text NOT NULL,
	`since` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `user_id`, `platform`, `kind`, `id`)
);
--> statement-breakpoint
CREATE INDEX `platform_given_by_state` ON `platform_given` (`tenant_id`,`state`,`platform`,`user_id`);--> statement-breakpoint
DROP INDEX `enrolment_grant_by_target`;--> statement-breakpoint
CREATE INDEX `enrolment_grant_by_target` ON `enrolment_grant` (`tenant_id`,`target`,`user_id`);