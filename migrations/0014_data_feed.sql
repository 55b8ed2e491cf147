-- Made by drizzle-kit from src/ledger/schema/tables.ts, up to the line that says so.
-- What programs that read the ledger need to know: which sessions changed, until when everything is
-- applied, and what was applied later. See docs/data-feed.md.
CREATE TABLE "billing_day" (
	"day" date PRIMARY KEY NOT NULL,
	"closed_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "session_account_change" (
	"session_id" text COLLATE "C" NOT NULL,
	"changed_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"account_before" text,
	"account_after" text NOT NULL,
	"reason" text,
	"decided_by" text DEFAULT session_user NOT NULL,
	CONSTRAINT "session_account_change_key" PRIMARY KEY("session_id","changed_at")
);
--> statement-breakpoint
CREATE TABLE "session_change" (
	"session_id" text COLLATE "C" NOT NULL,
	"change_id" bigint NOT NULL,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "session_change_key" PRIMARY KEY("session_id","change_id")
);
--> statement-breakpoint
ALTER TABLE "consumer_position" ADD COLUMN "applied_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "ledger_page" ADD COLUMN "change_id" bigint;--> statement-breakpoint
CREATE INDEX "session_change_by_id" ON "session_change" USING btree ("change_id");
--> statement-breakpoint

-- By hand, from here on.
--
-- A change id is the number of its transaction, shifted by 20 bits, plus a number from this sequence,
-- which distinguishes the changes of one transaction: it counts through 2^20 numbers, over and over. The
-- numbers begin at a multiple of 2^20 that is added to the number of the transaction: 0, until the
-- ledger is restored into a cluster that counts its transactions from the beginning again
-- (prepare_usage_change).
CREATE SEQUENCE usage_change_number AS bigint MINVALUE 0 MAXVALUE 1048575 START WITH 0 CACHE 32 CYCLE;
--> statement-breakpoint
-- A default, so that every writer gets it: also a worker of the earlier build that still runs.
ALTER TABLE ledger_page ALTER COLUMN change_id
  SET DEFAULT (pg_current_xact_id()::text::bigint << 20) + nextval('usage_change_number');
--> statement-breakpoint
ALTER TABLE session_change ALTER COLUMN change_id
  SET DEFAULT (pg_current_xact_id()::text::bigint << 20) + nextval('usage_change_number');
--> statement-breakpoint
-- Pages from before have no change id, and are not rewritten for one: their sessions are announced here,
-- once, under the numbers from 1, which are less than the id of any transaction.
INSERT INTO session_change (session_id, change_id, changed_at)
SELECT session_id, row_number() OVER (ORDER BY session_id), coalesce(usage.updated_at, now())
FROM session
LEFT JOIN (
  SELECT session_id, max(updated_at) AS updated_at FROM session_model_usage GROUP BY session_id
) AS usage USING (session_id);
--> statement-breakpoint
CREATE INDEX ledger_page_change ON ledger_page (change_id) WHERE change_id IS NOT NULL;
--> statement-breakpoint

-- A transaction below the least one that still runs has ended, and so has every one below it: whatever
-- it wrote is visible now, or never. Rows are shown from then on, so that none appears below one that
-- was shown before. An id beyond every transaction comes from another cluster, and was shown there.
CREATE VIEW usage_change AS
SELECT change_id, session_id, changed_at
-- The conditions are not within the parts: with them there, no index would give the order.
FROM (
  SELECT change_id, session_id, recorded_at AS changed_at FROM ledger_page
  UNION ALL
  SELECT change_id, session_id, changed_at FROM session_change
) AS change
WHERE change_id < (
    SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::bigint << 20) + seqmin
    FROM pg_catalog.pg_sequence WHERE seqrelid = 'usage_change_number'::regclass)
  OR change_id >= (
    SELECT (pg_snapshot_xmax(pg_current_snapshot())::text::bigint << 20) + seqmin
    FROM pg_catalog.pg_sequence WHERE seqrelid = 'usage_change_number'::regclass);
--> statement-breakpoint

-- Functions with the rights of the owner name the schema, and look up other names in pg_catalog only.
--
-- Lets ids continue above all that there are. After a dump was restored into another cluster, its
-- transactions may have lower numbers than those in the ledger, and ids would begin again below what
-- readers have seen. `migrate` and every worker that starts run it; where nothing is to be done, which is
-- nearly always, it is one look at the end of two indexes.
DO $outer$
BEGIN
  EXECUTE format($create$
CREATE FUNCTION %1$I.prepare_usage_change() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  greatest_id bigint;
  is_foreign boolean;
  base bigint;
BEGIN
  FOR attempt IN 1..2 LOOP
    -- In one snapshot: what is visible in it was written by transactions below its end.
    SELECT newest.id,
      newest.id >= (pg_snapshot_xmax(pg_current_snapshot())::text::bigint << 20) + seqmin
    INTO greatest_id, is_foreign
    FROM pg_catalog.pg_sequence
    CROSS JOIN (
      SELECT greatest((SELECT max(change_id) FROM %1$I.ledger_page WHERE change_id IS NOT NULL),
        (SELECT max(change_id) FROM %1$I.session_change)) AS id
    ) AS newest
    WHERE seqrelid = %2$L::regclass;
    IF is_foreign IS NOT TRUE THEN
      RETURN;
    END IF;
    EXIT WHEN attempt = 2;
    -- One at a time; whoever had the lock may have done it.
    PERFORM pg_advisory_xact_lock(hashtext('usage_ledger:usage_change'));
  END LOOP;
  base := ((greatest_id >> 20) + 1) << 20;
  EXECUTE format('ALTER SEQUENCE %%I.usage_change_number MINVALUE %%s MAXVALUE %%s START WITH %%s RESTART',
    %1$L, base, base + 1048575, base);
END
$body$
$create$, current_schema(), quote_ident(current_schema()) || '.usage_change_number');
END
$outer$;
--> statement-breakpoint

-- Groups of replays read ranges that may begin anywhere: how far they came says nothing of what lies
-- before. '-infinity' says so.
UPDATE consumer_position SET applied_until = '-infinity'
WHERE group_id ~ '[.]replay-[0-9]{14}-[0-9a-f]{6}$';
--> statement-breakpoint
CREATE VIEW billing_watermark AS
SELECT topic, partition, coalesce(max(applied_until), 'epoch'::timestamptz) AS applied_until
FROM consumer_position
WHERE applied_until IS DISTINCT FROM '-infinity'::timestamptz
GROUP BY topic, partition
HAVING coalesce(max(applied_until), 'epoch'::timestamptz) < 'infinity'::timestamptz;
--> statement-breakpoint

-- Notes when the least of all watermarks passes midnight (UTC). A row closes its day and all days before
-- it that have no row.
DO $outer$
BEGIN
  EXECUTE format($create$
CREATE FUNCTION %1$I.close_billing_days() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  -- One at a time: of two partitions that pass midnight in the same moment, the second one sees both.
  PERFORM pg_advisory_xact_lock(hashtext('usage_ledger:billing_day'));
  INSERT INTO %1$I.billing_day (day)
  SELECT complete.day
  FROM (SELECT (min(applied_until) AT TIME ZONE 'UTC')::date - 1 AS day FROM %1$I.billing_watermark) AS complete
  WHERE complete.day > '1970-01-01'
    AND NOT EXISTS (SELECT FROM %1$I.billing_day AS known WHERE known.day >= complete.day);
  RETURN NULL;
END
$body$
$create$, current_schema(), quote_ident(current_schema()) || '.usage_change_number');
END
$outer$;
--> statement-breakpoint
CREATE TRIGGER consumer_position_passes_midnight
AFTER UPDATE OF applied_until ON consumer_position
FOR EACH ROW WHEN (date_trunc('day', OLD.applied_until AT TIME ZONE 'UTC')
  IS DISTINCT FROM date_trunc('day', NEW.applied_until AT TIME ZONE 'UTC'))
EXECUTE FUNCTION close_billing_days();
--> statement-breakpoint

-- For what was recorded in a time: pages lie in about this order, so that a summary of it is enough.
CREATE INDEX ledger_page_recorded ON ledger_page USING brin (recorded_at) WITH (autosummarize = on);
--> statement-breakpoint
CREATE VIEW late_usage AS
SELECT
  late.day,
  closed.closed_at,
  event.*
FROM usage_event AS event
CROSS JOIN LATERAL (SELECT (event.event_at AT TIME ZONE 'UTC')::date AS day) AS late
CROSS JOIN LATERAL (
  SELECT closed_at FROM billing_day
  WHERE billing_day.day >= late.day
  ORDER BY billing_day.day LIMIT 1
) AS closed
WHERE event.recorded_at > closed.closed_at;
--> statement-breakpoint

-- Entries of a page may have been recorded at different times, the last of them at its recorded_at: the
-- index finds the pages, and so the sessions, that may have any.
DO $outer$
BEGIN
  EXECUTE format($create$
CREATE FUNCTION %1$I.late_usage_since(since timestamptz)
RETURNS SETOF %1$I.late_usage
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
  SELECT late.*
  FROM (SELECT DISTINCT session_id FROM %1$I.ledger_page WHERE recorded_at >= $1) AS recorded
  JOIN %1$I.late_usage AS late ON late.session_id = recorded.session_id
  WHERE late.recorded_at >= $1
$body$
$create$, current_schema(), quote_ident(current_schema()) || '.usage_change_number');
END
$outer$;
--> statement-breakpoint

-- Pages by the offsets that they span. Their spans differ from one offset to millions, so that a page
-- that holds an offset may begin far before it: the second column is the class of the span, each sixteen
-- times as wide as the one before, and each class is searched only as far back as its spans reach.
CREATE INDEX ledger_page_offset ON ledger_page (kafka_partition,
  width_bucket(offset_delta[entry_count], '{1,16,256,4096,65536,1048576,16777216}'::integer[]),
  base_offset);
--> statement-breakpoint
DO $outer$
BEGIN
  EXECUTE format($create$
CREATE FUNCTION %1$I.usage_event_at(topic text, partition integer, "offset" bigint)
RETURNS SETOF %1$I.usage_event
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp AS $body$
  SELECT event.*
  FROM (
    SELECT DISTINCT page.session_id
    FROM (VALUES (0, 1::bigint), (1, 16), (2, 256), (3, 4096), (4, 65536), (5, 1048576), (6, 16777216),
      (7, 2147483648)) AS class (number, span)
    CROSS JOIN LATERAL (
      SELECT session_id FROM %1$I.ledger_page
      WHERE kafka_partition = $2
        AND width_bucket(offset_delta[entry_count], '{1,16,256,4096,65536,1048576,16777216}'::integer[])
          = class.number
        AND base_offset > $3 - class.span AND base_offset <= $3
        AND kafka_topic = $1
        -- In this order, whatever the planner prefers: other differences may be beyond an integer.
        AND CASE WHEN base_offset > $3 - 2147483648 AND base_offset <= $3
          THEN ($3 - base_offset)::integer END = ANY (offset_delta)
      -- One search by index for each class, and not one join for all.
      OFFSET 0
    ) AS page
  ) AS found
  JOIN %1$I.usage_event AS event ON event.session_id = found.session_id
  WHERE event.kafka_topic = $1 AND event.kafka_partition = $2 AND event.kafka_offset = $3
$body$
$create$, current_schema(), quote_ident(current_schema()) || '.usage_change_number');
END
$outer$;
--> statement-breakpoint

-- Whoever may read or write what was there before may do so with what is added to it.
REVOKE EXECUTE ON FUNCTION prepare_usage_change(), close_billing_days(),
  usage_event_at(text, integer, bigint), late_usage_since(timestamptz) FROM PUBLIC;
--> statement-breakpoint
DO $$
DECLARE
  entry record;
BEGIN
  FOR entry IN
    SELECT rule.privilege, rule.item,
      CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END AS grantee
    FROM (VALUES
      ('usage_event', 'SELECT', 'SELECT', 'usage_change'),
      ('usage_event', 'SELECT', 'SELECT', 'late_usage'),
      ('usage_event', 'SELECT', 'EXECUTE', 'FUNCTION usage_event_at(text, integer, bigint)'),
      ('usage_event', 'SELECT', 'EXECUTE', 'FUNCTION late_usage_since(timestamptz)'),
      ('consumer_position', 'SELECT', 'SELECT', 'billing_watermark'),
      ('consumer_position', 'SELECT', 'SELECT', 'billing_day'),
      ('session', 'SELECT', 'SELECT', 'session_account_change'),
      ('session', 'UPDATE', 'INSERT', 'session_account_change'),
      ('session', 'INSERT', 'SELECT, INSERT', 'session_change'),
      ('session', 'INSERT', 'USAGE', 'SEQUENCE usage_change_number'),
      ('ledger_page', 'INSERT', 'USAGE', 'SEQUENCE usage_change_number'),
      ('ledger_page', 'INSERT', 'EXECUTE', 'FUNCTION prepare_usage_change()')
    ) AS rule (known, held, privilege, item)
    JOIN pg_class AS known ON known.oid = rule.known::regclass
    CROSS JOIN LATERAL aclexplode(known.relacl) AS acl
    WHERE acl.privilege_type = rule.held AND acl.grantee <> known.relowner
  LOOP
    EXECUTE format('GRANT %s ON %s TO %s', entry.privilege, entry.item, entry.grantee);
  END LOOP;
END
$$;
--> statement-breakpoint

COMMENT ON VIEW usage_change IS
  'Which sessions changed, in an order in which nothing appears later below what was read. Poll it with: WHERE change_id > $1 ORDER BY change_id LIMIT n. A session may appear more than once.';
--> statement-breakpoint
COMMENT ON COLUMN usage_change.change_id IS 'Grows; the greatest one that was read is the cursor of a reader.';
--> statement-breakpoint
COMMENT ON COLUMN usage_change.session_id IS 'The session whose usage or account changed.';
--> statement-breakpoint
COMMENT ON COLUMN usage_change.changed_at IS 'When the transaction of the change began. No cursor: later changes may have earlier times.';
--> statement-breakpoint
COMMENT ON COLUMN ledger_page.change_id IS 'Id of the change in usage_change; null: written before there were any, and in session_change.';
--> statement-breakpoint
COMMENT ON TABLE session_change IS 'Changes of sessions that write no page of the ledger; read them in usage_change.';
--> statement-breakpoint
COMMENT ON COLUMN session_change.session_id IS 'The session that changed.';
--> statement-breakpoint
COMMENT ON COLUMN session_change.change_id IS 'Id of the change in usage_change.';
--> statement-breakpoint
COMMENT ON COLUMN session_change.changed_at IS 'When the transaction of the change began.';
--> statement-breakpoint
COMMENT ON SEQUENCE usage_change_number IS 'Distinguishes the changes of one transaction; its least value is what is added to the numbers of transactions.';
--> statement-breakpoint
COMMENT ON FUNCTION prepare_usage_change() IS 'Lets change ids continue above those there are, after a restore into another cluster.';
--> statement-breakpoint
COMMENT ON TABLE session_account_change IS 'Decisions of a person about the account of a session (sessions set-account).';
--> statement-breakpoint
COMMENT ON COLUMN session_account_change.session_id IS 'The session.';
--> statement-breakpoint
COMMENT ON COLUMN session_account_change.changed_at IS 'When it was decided.';
--> statement-breakpoint
COMMENT ON COLUMN session_account_change.account_before IS 'The account until then; null: it had none.';
--> statement-breakpoint
COMMENT ON COLUMN session_account_change.account_after IS 'The account from then on, which no later event changes.';
--> statement-breakpoint
COMMENT ON COLUMN session_account_change.reason IS 'Why, in the words of who decided; null: none was given.';
--> statement-breakpoint
COMMENT ON COLUMN session_account_change.decided_by IS 'The user of the database who decided.';
--> statement-breakpoint
COMMENT ON COLUMN consumer_position.applied_until IS 'Every record of the partition with an earlier Kafka time is applied, as far as this group has read; null: not known yet; -infinity: the group promises nothing (replays); infinity: the partition is retired and delays no day.';
--> statement-breakpoint
COMMENT ON VIEW billing_watermark IS 'Until when each partition is applied; of all: SELECT min(applied_until). Greatest of all groups.';
--> statement-breakpoint
COMMENT ON COLUMN billing_watermark.topic IS 'Kafka topic.';
--> statement-breakpoint
COMMENT ON COLUMN billing_watermark.partition IS 'Partition of the topic. A partition that no worker was ever assigned is missing.';
--> statement-breakpoint
COMMENT ON COLUMN billing_watermark.applied_until IS 'Every record with an earlier Kafka time is applied; 1970-01-01: nothing is known yet.';
--> statement-breakpoint
COMMENT ON TABLE billing_day IS 'When UTC days were closed: the least watermark of all partitions passed their end. A row closes its day and all earlier ones that have no row.';
--> statement-breakpoint
COMMENT ON COLUMN billing_day.day IS 'UTC day, by the time of events.';
--> statement-breakpoint
COMMENT ON COLUMN billing_day.closed_at IS 'Begin of the transaction with which the day was closed.';
--> statement-breakpoint
COMMENT ON FUNCTION close_billing_days() IS 'Adds to billing_day when a watermark passes midnight.';
--> statement-breakpoint
COMMENT ON VIEW late_usage IS 'Events that were applied after the UTC day of their event_at was closed. For those of a time, by index: late_usage_since.';
--> statement-breakpoint
COMMENT ON FUNCTION late_usage_since(timestamptz) IS 'late_usage that was recorded since a time; by index.';
--> statement-breakpoint
COMMENT ON COLUMN late_usage.day IS 'UTC day of event_at, which was closed already.';
--> statement-breakpoint
COMMENT ON COLUMN late_usage.closed_at IS 'When that day was closed; see billing_day.';
--> statement-breakpoint
COMMENT ON FUNCTION usage_event_at(text, integer, bigint) IS 'The events at an offset of a partition, as in usage_event; by index.';
