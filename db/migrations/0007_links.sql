CREATE TABLE "links" (
	"session_id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"paths" text[] NOT NULL,
	"verbs" text[] NOT NULL,
	"not_before" timestamp with time zone NOT NULL,
	"uses_max" integer,
	"uses" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
ALTER TABLE "links" ADD CONSTRAINT "links_session_id_access_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."access_sessions"("id") ON DELETE no action ON UPDATE no action;