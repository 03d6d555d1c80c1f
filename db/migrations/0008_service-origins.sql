CREATE TABLE "entries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"session_id" uuid NOT NULL,
	"web_session_id" uuid NOT NULL,
	"intent_hash" "bytea",
	"code_hash" "bytea",
	"nonce_hash" "bytea",
	"path" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "services" (
	"session_id" uuid PRIMARY KEY NOT NULL,
	"label" text NOT NULL,
	"kind" text NOT NULL,
	"namespace" text NOT NULL,
	"name" text NOT NULL,
	"port" text,
	"scheme" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "links" ADD COLUMN "recipient_id" uuid;--> statement-breakpoint
ALTER TABLE "links" ADD COLUMN "landing" text DEFAULT '/' NOT NULL;--> statement-breakpoint
ALTER TABLE "entries" ADD CONSTRAINT "entries_session_id_access_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."access_sessions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "services" ADD CONSTRAINT "services_session_id_access_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."access_sessions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "entries_intent_hash_index" ON "entries" USING btree ("intent_hash");--> statement-breakpoint
CREATE UNIQUE INDEX "entries_code_hash_index" ON "entries" USING btree ("code_hash");--> statement-breakpoint
CREATE INDEX "entries_expires_at_index" ON "entries" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "services_label_index" ON "services" USING btree ("label");--> statement-breakpoint
ALTER TABLE "links" ADD CONSTRAINT "links_recipient_id_users_id_fk" FOREIGN KEY ("recipient_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;