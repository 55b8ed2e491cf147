-- Two roles without login, to be granted to those who connect:
--   usage_ledger_writer  what the worker and the commands need, and no DDL
--   usage_ledger_reader  the billing relations, read only
-- Roles belong to the server and not to the database: they are made where they are missing. Who
-- migrates without the right to make roles gets a warning, and grants by hand what he likes
-- (docs/security.md).
REVOKE EXECUTE ON FUNCTION prepare_ledger_partitions() FROM PUBLIC;
--> statement-breakpoint
DO $$
DECLARE
  place text := current_schema();
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['usage_ledger_writer', 'usage_ledger_reader'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL; -- made by a migration of another database in this moment
      END;
    END IF;
  END LOOP;

  EXECUTE format('GRANT USAGE ON SCHEMA %I TO usage_ledger_writer, usage_ledger_reader', place);
  GRANT SELECT, INSERT, UPDATE ON
    session, usage_source, ledger_page, session_model_usage, consumer_position, consumed_range,
    dead_letter, event_conflict
  TO usage_ledger_writer;
  GRANT SELECT ON schema_migration, ledger_entry, usage_event, llm_model_usage, tts_model_usage,
    stt_model_usage, interruption_model_usage, session_usage_summary
  TO usage_ledger_writer;
  GRANT EXECUTE ON FUNCTION prepare_ledger_partitions() TO usage_ledger_writer;
  GRANT SELECT ON schema_migration, session, usage_event, session_model_usage, llm_model_usage,
    tts_model_usage, stt_model_usage, interruption_model_usage, session_usage_summary,
    consumer_position, consumed_range
  TO usage_ledger_reader;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE WARNING 'usage_ledger_writer and usage_ledger_reader were not set up: %', SQLERRM;
END
$$;
