CREATE TABLE "exchanged_tokens" (
	"hash" "bytea" PRIMARY KEY NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "oidc_trusts" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"name" text NOT NULL,
	"issuer" text NOT NULL,
	"audience" text NOT NULL,
	"owner_claim" text NOT NULL,
	"owner_value" text NOT NULL,
	"conditions" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"scopes" text[] NOT NULL,
	"lifetime_ms" bigint NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"created_by" uuid,
	"removed_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "access_sessions" ADD COLUMN "certificate_serial" text;--> statement-breakpoint
ALTER TABLE "api_tokens" ADD COLUMN "created_by" uuid;--> statement-breakpoint
ALTER TABLE "api_tokens" ADD COLUMN "trust_id" uuid;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "owner_id" uuid;--> statement-breakpoint
ALTER TABLE "oidc_trusts" ADD CONSTRAINT "oidc_trusts_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "oidc_trusts" ADD CONSTRAINT "oidc_trusts_created_by_users_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "exchanged_tokens_expires_at_index" ON "exchanged_tokens" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "oidc_trusts_name_index" ON "oidc_trusts" USING btree ("name") WHERE removed_at is null;--> statement-breakpoint
CREATE INDEX "oidc_trusts_issuer_index" ON "oidc_trusts" USING btree ("issuer");--> statement-breakpoint
CREATE INDEX "oidc_trusts_user_id_index" ON "oidc_trusts" USING btree ("user_id");--> statement-breakpoint
ALTER TABLE "api_tokens" ADD CONSTRAINT "api_tokens_created_by_users_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_tokens" ADD CONSTRAINT "api_tokens_trust_id_oidc_trusts_id_fk" FOREIGN KEY ("trust_id") REFERENCES "public"."oidc_trusts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_owner_id_users_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "access_sessions_certificate_serial_index" ON "access_sessions" USING btree ("certificate_serial");--> statement-breakpoint
CREATE INDEX "api_tokens_created_by_index" ON "api_tokens" USING btree ("created_by");--> statement-breakpoint
CREATE INDEX "api_tokens_trust_id_index" ON "api_tokens" USING btree ("trust_id");--> statement-breakpoint
CREATE INDEX "users_owner_id_index" ON "users" USING btree ("owner_id");