CREATE TABLE "cli_sign_ins" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"kind" text NOT NULL,
	"code_hash" "bytea" NOT NULL,
	"user_code_hash" "bytea",
	"state" text NOT NULL,
	"device_name" text NOT NULL,
	"client_address" text NOT NULL,
	"scopes" text[] NOT NULL,
	"redirect_uri" text,
	"code_challenge" text,
	"interval_seconds" integer NOT NULL,
	"polled_at" timestamp with time zone,
	"user_id" uuid,
	"web_session_id" uuid,
	"token_id" uuid,
	"created_at" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "access_sessions" ADD COLUMN "api_token_id" uuid;--> statement-breakpoint
ALTER TABLE "cli_sign_ins" ADD CONSTRAINT "cli_sign_ins_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "cli_sign_ins_code_hash_index" ON "cli_sign_ins" USING btree ("code_hash");--> statement-breakpoint
CREATE UNIQUE INDEX "cli_sign_ins_user_code_hash_index" ON "cli_sign_ins" USING btree ("user_code_hash");--> statement-breakpoint
CREATE INDEX "cli_sign_ins_token_id_index" ON "cli_sign_ins" USING btree ("token_id");--> statement-breakpoint
CREATE INDEX "cli_sign_ins_expires_at_index" ON "cli_sign_ins" USING btree ("expires_at");