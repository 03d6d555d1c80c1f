CREATE TABLE "access_sessions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"web_session_id" uuid,
	"cluster_id" uuid NOT NULL,
	"role" text NOT NULL,
	"channel" text NOT NULL,
	"state" text NOT NULL,
	"service_account" text NOT NULL,
	"cluster_roles" text[] NOT NULL,
	"namespaces" text[] NOT NULL,
	"idle_ms" bigint NOT NULL,
	"detached_ms" bigint NOT NULL,
	"container" text,
	"host_secret" "bytea",
	"replica" uuid,
	"generation" bigint DEFAULT 0 NOT NULL,
	"steps" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"client_address" text NOT NULL,
	"opened_at" timestamp with time zone NOT NULL,
	"last_input_at" timestamp with time zone NOT NULL,
	"detached_at" timestamp with time zone,
	"hard_cap_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone,
	"end_reason" text,
	"end_detail" text,
	"exit_code" integer,
	"cleanup_pending" boolean DEFAULT true NOT NULL,
	"recorded_bytes" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "api_tokens" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"user_id" uuid NOT NULL,
	"name" text NOT NULL,
	"token_hash" "bytea" NOT NULL,
	"scopes" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"last_used_at" timestamp with time zone,
	"revoked_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "audit_events" (
	"id" bigserial PRIMARY KEY NOT NULL,
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
	"detail" jsonb DEFAULT '{}'::jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "clusters" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"name" text NOT NULL,
	"production" boolean DEFAULT false NOT NULL,
	"server" text NOT NULL,
	"tls_server_name" text,
	"ca" text NOT NULL,
	"namespace" text NOT NULL,
	"credential" "bytea" NOT NULL,
	"credential_expires_at" timestamp with time zone,
	"managed" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" uuid,
	"removed_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "replicas" (
	"id" uuid PRIMARY KEY NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"seen_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "roles" (
	"name" text PRIMARY KEY NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"portal" text DEFAULT 'member' NOT NULL,
	"cluster_roles" text[] DEFAULT '{}' NOT NULL,
	"namespaces" text[] DEFAULT '{}' NOT NULL,
	"groups" text[] DEFAULT '{}' NOT NULL,
	"idle_ms" bigint NOT NULL,
	"detached_ms" bigint NOT NULL,
	"hard_cap_ms" bigint NOT NULL,
	"max_sessions" integer NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "settings" (
	"key" text PRIMARY KEY NOT NULL,
	"value" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"provider" text NOT NULL,
	"issuer" text NOT NULL,
	"subject" text NOT NULL,
	"email" text NOT NULL,
	"name" text NOT NULL,
	"slug" text NOT NULL,
	"groups" text[] DEFAULT '{}' NOT NULL,
	"password_hash" text,
	"disabled_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_sign_in_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "web_sessions" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"token_hash" "bytea" NOT NULL,
	"user_id" uuid NOT NULL,
	"method" text NOT NULL,
	"address" text NOT NULL,
	"user_agent" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "access_sessions" ADD CONSTRAINT "access_sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "access_sessions" ADD CONSTRAINT "access_sessions_cluster_id_clusters_id_fk" FOREIGN KEY ("cluster_id") REFERENCES "public"."clusters"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_tokens" ADD CONSTRAINT "api_tokens_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "web_sessions" ADD CONSTRAINT "web_sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "access_sessions_user_id_opened_at_index" ON "access_sessions" USING btree ("user_id","opened_at");--> statement-breakpoint
CREATE INDEX "access_sessions_state_index" ON "access_sessions" USING btree ("state");--> statement-breakpoint
CREATE INDEX "access_sessions_opened_at_index" ON "access_sessions" USING btree ("opened_at");--> statement-breakpoint
CREATE UNIQUE INDEX "api_tokens_token_hash_index" ON "api_tokens" USING btree ("token_hash");--> statement-breakpoint
CREATE INDEX "api_tokens_user_id_index" ON "api_tokens" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "audit_events_at_key_index" ON "audit_events" USING btree ("at","key");--> statement-breakpoint
CREATE INDEX "audit_events_session_id_at_index" ON "audit_events" USING btree ("session_id","at");--> statement-breakpoint
CREATE INDEX "audit_events_actor_id_at_index" ON "audit_events" USING btree ("actor_id","at");--> statement-breakpoint
CREATE INDEX "audit_events_audit_id_index" ON "audit_events" USING btree ("audit_id");--> statement-breakpoint
CREATE UNIQUE INDEX "clusters_name_index" ON "clusters" USING btree ("name");--> statement-breakpoint
CREATE UNIQUE INDEX "users_issuer_subject_index" ON "users" USING btree ("issuer","subject");--> statement-breakpoint
CREATE UNIQUE INDEX "users_slug_index" ON "users" USING btree ("slug");--> statement-breakpoint
CREATE UNIQUE INDEX "web_sessions_token_hash_index" ON "web_sessions" USING btree ("token_hash");--> statement-breakpoint
CREATE INDEX "web_sessions_user_id_index" ON "web_sessions" USING btree ("user_id");