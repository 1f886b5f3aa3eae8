ALTER TABLE `platform` ADD `meanings` text;--> statement-breakpoint
ALTER TABLE `platform` ADD `revision` integer;--> statement-breakpoint
ALTER TABLE `platform` ADD `away_at` integer;--> statement-breakpoint
ALTER TABLE `platform` ADD `retried_at` integer;--> statement-breakpoint
ALTER TABLE `platform_given` ADD `targets` text;