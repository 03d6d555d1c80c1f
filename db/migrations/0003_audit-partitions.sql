ALTER TABLE "audit_events" RENAME TO "audit_events_before";--> statement-breakpoint
ALTER INDEX "audit_events_at_key_index" RENAME TO "audit_events_before_1";--> statement-breakpoint
ALTER INDEX "audit_events_session_id_at_index" RENAME TO "audit_events_before_2";--> statement-breakpoint
ALTER INDEX "audit_events_actor_id_at_index" RENAME TO "audit_events_before_3";--> statement-breakpoint
ALTER INDEX "audit_events_audit_id_index" RENAME TO "audit_events_before_4";--> statement-breakpoint
CREATE TABLE "audit_events" (
	"id" bigint DEFAULT nextval('audit_events_id_seq') NOT NULL,
	"key" uuid NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"code" text NOT NULL,
	"actor_id" uuid,
	"actor" text NOT NULL,
	"session_id" uuid,
	"cluster_id" uuid,
	"audit_id" uuid,
	"client_address" text,
	"correlation_id" text,
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL,
	CONSTRAINT "audit_events_at_id_pk" PRIMARY KEY("at","id")
) PARTITION BY RANGE ("at");--> statement-breakpoint
ALTER SEQUENCE "audit_events_id_seq" OWNED BY "audit_events"."id";--> statement-breakpoint
CREATE UNIQUE INDEX "audit_events_at_key_index" ON "audit_events" USING btree ("at","key");--> statement-breakpoint
CREATE INDEX "audit_events_session_id_at_index" ON "audit_events" USING btree ("session_id","at");--> statement-breakpoint
CREATE INDEX "audit_events_actor_id_at_index" ON "audit_events" USING btree ("actor_id","at");--> statement-breakpoint
CREATE INDEX "audit_events_audit_id_index" ON "audit_events" USING btree ("audit_id");--> statement-breakpoint
CREATE TABLE "audit_events_default" PARTITION OF "audit_events" DEFAULT;--> statement-breakpoint
INSERT INTO "audit_events" SELECT * FROM "audit_events_before";--> statement-breakpoint
DROP TABLE "audit_events_before";
