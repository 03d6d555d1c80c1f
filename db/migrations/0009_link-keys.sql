CREATE TABLE "link_keys" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"name" text NOT NULL,
	"algorithm" text NOT NULL,
	"public_key" text NOT NULL,
	"cluster_id" uuid NOT NULL,
	"role" text NOT NULL,
	"paths" text[] NOT NULL,
	"verbs" text[] NOT NULL,
	"longest_ms" bigint NOT NULL,
	"uses_max" integer,
	"created_at" timestamp with time zone NOT NULL,
	"created_by" uuid,
	"removed_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "links" ADD COLUMN "key_id" uuid;--> statement-breakpoint
ALTER TABLE "links" ADD COLUMN "claims_hash" "bytea";--> statement-breakpoint
ALTER TABLE "link_keys" ADD CONSTRAINT "link_keys_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "link_keys" ADD CONSTRAINT "link_keys_cluster_id_clusters_id_fk" FOREIGN KEY ("cluster_id") REFERENCES "public"."clusters"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "link_keys" ADD CONSTRAINT "link_keys_created_by_users_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "link_keys_name_index" ON "link_keys" USING btree ("name") WHERE removed_at is null;--> statement-breakpoint
CREATE INDEX "link_keys_user_id_index" ON "link_keys" USING btree ("user_id");--> statement-breakpoint
ALTER TABLE "links" ADD CONSTRAINT "links_key_id_link_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."link_keys"("id") ON DELETE no action ON UPDATE no action;