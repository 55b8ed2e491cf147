-- Made by drizzle-kit from src/ledger/schema/tables.ts. One clause is added by hand, which it cannot
-- express: ledger_page is partitioned by month, so that old detail is dropped and not deleted.
CREATE TABLE "consumed_range" (
	"group_id" text COLLATE "C" NOT NULL,
	"topic" text COLLATE "C" NOT NULL,
	"partition" integer NOT NULL,
	"pass" integer NOT NULL,
	"first_offset" bigint NOT NULL,
	"next_offset" bigint NOT NULL,
	"consumed" bigint NOT NULL,
	"applied" bigint NOT NULL,
	"duplicate" bigint NOT NULL,
	"ignored" bigint NOT NULL,
	"conflict" bigint NOT NULL,
	"dead_letter" bigint NOT NULL,
	"note" text,
	"recorded_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "consumed_range_key" PRIMARY KEY("group_id","topic","partition","pass","first_offset")
);
--> statement-breakpoint
CREATE TABLE "consumer_position" (
	"group_id" text COLLATE "C" NOT NULL,
	"topic" text COLLATE "C" NOT NULL,
	"partition" integer NOT NULL,
	"next_offset" bigint NOT NULL,
	"pass" integer DEFAULT 0 NOT NULL,
	"pass_first_offset" bigint NOT NULL,
	"range_first_offset" bigint NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "consumer_position_key" PRIMARY KEY("group_id","topic","partition")
);
--> statement-breakpoint
CREATE TABLE "dead_letter" (
	"kafka_topic" text COLLATE "C" NOT NULL,
	"kafka_partition" integer NOT NULL,
	"kafka_offset" bigint NOT NULL,
	"reason" text NOT NULL,
	"detail" text NOT NULL,
	"schema_id" bigint,
	"key" "bytea",
	"value" "bytea",
	"headers" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"record_timestamp" timestamp with time zone NOT NULL,
	"recorded_at" timestamp with time zone DEFAULT now() NOT NULL,
	"resolved_at" timestamp with time zone,
	"resolution" text,
	CONSTRAINT "dead_letter_key" PRIMARY KEY("kafka_topic","kafka_partition","kafka_offset")
);
--> statement-breakpoint
CREATE TABLE "event_conflict" (
	"session_id" text COLLATE "C" NOT NULL,
	"kafka_topic" text COLLATE "C" NOT NULL,
	"kafka_partition" integer NOT NULL,
	"kafka_offset" bigint NOT NULL,
	"metric_type" text NOT NULL,
	"request_id" text,
	"applied_payload" jsonb NOT NULL,
	"conflicting_payload" jsonb NOT NULL,
	"recorded_at" timestamp with time zone DEFAULT now() NOT NULL,
	"resolved_at" timestamp with time zone,
	"resolution" text,
	CONSTRAINT "event_conflict_key" PRIMARY KEY("session_id","kafka_topic","kafka_partition","kafka_offset")
);
--> statement-breakpoint
CREATE TABLE "ledger_page" (
	"session_id" text COLLATE "C" NOT NULL,
	"period" date NOT NULL,
	"revision" bigint NOT NULL,
	"page" smallint NOT NULL,
	"kafka_topic" text COLLATE "C" NOT NULL,
	"kafka_partition" integer NOT NULL,
	"base_offset" bigint NOT NULL,
	"entry_count" integer NOT NULL,
	"is_correction" boolean DEFAULT false NOT NULL,
	"recorded_at" timestamp with time zone DEFAULT now() NOT NULL,
	"identities" "bytea" NOT NULL,
	"source_id" integer[] NOT NULL,
	"request_id" text[] NOT NULL,
	"event_us" bigint[] NOT NULL,
	"offset_delta" integer[] NOT NULL,
	"input_tokens" bigint[],
	"input_cached_tokens" bigint[],
	"input_audio_tokens" bigint[],
	"input_cached_audio_tokens" bigint[],
	"input_text_tokens" bigint[],
	"input_cached_text_tokens" bigint[],
	"input_image_tokens" bigint[],
	"input_cached_image_tokens" bigint[],
	"output_tokens" bigint[],
	"output_audio_tokens" bigint[],
	"output_text_tokens" bigint[],
	"output_image_tokens" bigint[],
	"session_duration" numeric[],
	"characters_count" bigint[],
	"audio_duration" numeric[],
	"total_requests" bigint[],
	CONSTRAINT "ledger_page_key" PRIMARY KEY("session_id","period","revision","page")
) PARTITION BY RANGE ("period");
--> statement-breakpoint
CREATE TABLE "session" (
	"session_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"account_id" text,
	"attributes" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"first_event_at" timestamp with time zone NOT NULL,
	"last_event_at" timestamp with time zone NOT NULL,
	"period" date DEFAULT date_trunc('month', now() AT TIME ZONE 'UTC') NOT NULL,
	"revision" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "session_model_usage" (
	"session_id" text COLLATE "C" NOT NULL,
	"usage_type" text COLLATE "C" NOT NULL,
	"provider" text COLLATE "C" NOT NULL,
	"model" text COLLATE "C" NOT NULL,
	"input_tokens" bigint DEFAULT 0 NOT NULL,
	"input_cached_tokens" bigint DEFAULT 0 NOT NULL,
	"input_audio_tokens" bigint DEFAULT 0 NOT NULL,
	"input_cached_audio_tokens" bigint DEFAULT 0 NOT NULL,
	"input_text_tokens" bigint DEFAULT 0 NOT NULL,
	"input_cached_text_tokens" bigint DEFAULT 0 NOT NULL,
	"input_image_tokens" bigint DEFAULT 0 NOT NULL,
	"input_cached_image_tokens" bigint DEFAULT 0 NOT NULL,
	"output_tokens" bigint DEFAULT 0 NOT NULL,
	"output_audio_tokens" bigint DEFAULT 0 NOT NULL,
	"output_text_tokens" bigint DEFAULT 0 NOT NULL,
	"output_image_tokens" bigint DEFAULT 0 NOT NULL,
	"session_duration" numeric DEFAULT '0' NOT NULL,
	"characters_count" bigint DEFAULT 0 NOT NULL,
	"audio_duration" numeric DEFAULT '0' NOT NULL,
	"total_requests" bigint DEFAULT 0 NOT NULL,
	"event_count" bigint DEFAULT 0 NOT NULL,
	"first_event_at" timestamp with time zone NOT NULL,
	"last_event_at" timestamp with time zone NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "session_model_usage_key" PRIMARY KEY("session_id","usage_type","provider","model")
);
--> statement-breakpoint
CREATE TABLE "usage_source" (
	"source_id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "usage_source_source_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"metric_type" text COLLATE "C" NOT NULL,
	"provider" text COLLATE "C" NOT NULL,
	"model" text COLLATE "C" NOT NULL,
	CONSTRAINT "usage_source_names" UNIQUE("metric_type","provider","model")
);
--> statement-breakpoint
CREATE INDEX "dead_letter_open" ON "dead_letter" USING btree ("recorded_at") WHERE resolved_at IS NULL;