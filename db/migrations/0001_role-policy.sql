ALTER TABLE "roles" ADD COLUMN "read_only" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "roles" ADD COLUMN "connect" text[] DEFAULT '{"exec","attach","port-forward","ephemeral-containers","service-proxy","pod-proxy"}' NOT NULL;--> statement-breakpoint
ALTER TABLE "roles" ADD COLUMN "secrets" text DEFAULT 'write' NOT NULL;--> statement-breakpoint
ALTER TABLE "roles" ADD COLUMN "mint_credentials" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "roles" ADD COLUMN "allow" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "roles" ADD COLUMN "deny" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "roles" ADD COLUMN "paths" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "roles" ADD COLUMN "proxy_paths" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "roles" ADD COLUMN "impersonate_users" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "roles" ADD COLUMN "impersonate_groups" text[] DEFAULT '{}' NOT NULL;