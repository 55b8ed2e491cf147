-- Made by drizzle-kit from src/ledger/schema/tables.ts, up to the line that says so.
-- A topic that is deleted and created again uses its offsets once more: what is named by an offset is
-- named by the generation of the topic, too.
CREATE TABLE "topic_generation" (
	"topic" text COLLATE "C" NOT NULL,
	"generation" integer NOT NULL,
	"topic_id" uuid,
	"first_seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "topic_generation_key" PRIMARY KEY("topic","generation")
);
--> statement-breakpoint
ALTER TABLE "consumed_range" ADD COLUMN "generation" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "consumed_range" ADD COLUMN "decision" text;--> statement-breakpoint
ALTER TABLE "consumer_position" ADD COLUMN "generation" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "consumer_position" ADD COLUMN "halted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "consumer_position" ADD COLUMN "halt_kind" text;--> statement-breakpoint
ALTER TABLE "consumer_position" ADD COLUMN "halt_why" text;--> statement-breakpoint
ALTER TABLE "consumer_position" ADD COLUMN "judged_from" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "dead_letter" ADD COLUMN "generation" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "event_conflict" ADD COLUMN "generation" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "dead_letter" DROP CONSTRAINT "dead_letter_key";
--> statement-breakpoint
ALTER TABLE "dead_letter" ADD CONSTRAINT "dead_letter_key" PRIMARY KEY("kafka_topic","kafka_partition","kafka_offset","generation");--> statement-breakpoint
ALTER TABLE "event_conflict" DROP CONSTRAINT "event_conflict_key";
--> statement-breakpoint
ALTER TABLE "event_conflict" ADD CONSTRAINT "event_conflict_key" PRIMARY KEY("session_id","kafka_topic","kafka_partition","kafka_offset","generation");
--> statement-breakpoint

-- By hand, from here on. What is in the books belongs to the first generation that the ledger knows
-- of; its id is filled in at the first look at the brokers.
INSERT INTO topic_generation (topic, generation)
SELECT topic, 0 FROM consumer_position
UNION
SELECT kafka_topic, 0 FROM dead_letter;
--> statement-breakpoint
UPDATE consumed_range SET decision = 'lost'
WHERE consumed = 0 AND first_offset < next_offset AND note LIKE 'loss of offsets %';
--> statement-breakpoint
-- Whoever may do something with the positions may do it with the generations.
DO $$
DECLARE
  entry record;
BEGIN
  FOR entry IN
    SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
        AS grantee, acl.privilege_type
    FROM pg_class, aclexplode(pg_class.relacl) AS acl
    WHERE pg_class.oid = 'consumer_position'::regclass AND acl.grantee <> pg_class.relowner
  LOOP
    EXECUTE format('GRANT %s ON topic_generation TO %s', entry.privilege_type, entry.grantee);
  END LOOP;
END
$$;
