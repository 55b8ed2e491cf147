-- What billing needs to know of what is not billed: coordinates and reasons, no payloads. A dead letter's
-- detail may quote its values, and is left out.
CREATE VIEW open_dead_letter AS
SELECT kafka_topic, kafka_partition, kafka_offset, reason, schema_id, record_timestamp, recorded_at
FROM dead_letter WHERE resolved_at IS NULL;
--> statement-breakpoint
CREATE VIEW open_conflict AS
SELECT session_id, metric_type, request_id, kafka_topic, kafka_partition, kafka_offset, recorded_at
FROM event_conflict WHERE resolved_at IS NULL;
--> statement-breakpoint

-- Whoever may read the usage of interruption detection, which is everyone who reads for billing.
DO $$
DECLARE
  entry record;
BEGIN
  FOR entry IN
    SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
        AS grantee, acl.privilege_type
    FROM pg_class, aclexplode(pg_class.relacl) AS acl
    WHERE pg_class.oid = 'interruption_model_usage'::regclass AND acl.grantee <> pg_class.relowner
  LOOP
    EXECUTE format('GRANT %s ON open_dead_letter, open_conflict TO %s',
      entry.privilege_type, entry.grantee);
  END LOOP;
END
$$;
--> statement-breakpoint

COMMENT ON TABLE session IS 'A call: a row for each session id that had an event, billed or not.';
--> statement-breakpoint
COMMENT ON TABLE usage_source IS 'Internal. Names that entries of ledger_page share: metric type, provider and model.';
--> statement-breakpoint
COMMENT ON TABLE ledger_page IS 'Internal. The itemised ledger, packed: each row has an array element for each event. Read usage_event.';
--> statement-breakpoint
COMMENT ON TABLE session_model_usage IS 'What is billed: the exact sums of a session, by usage type, provider and model.';
--> statement-breakpoint
COMMENT ON TABLE topic_generation IS 'The lives of a topic: one that was deleted and recreated, or whose log was cut, begins another.';
--> statement-breakpoint
COMMENT ON TABLE consumer_position IS 'Where each consumer group stands in each partition: the next offset to be read, and its halt if it is halted.';
--> statement-breakpoint
COMMENT ON TABLE consumed_range IS 'The books: the outcomes of all offsets that were read. consumed = applied + duplicate + ignored + conflict + dead_letter.';
--> statement-breakpoint
COMMENT ON TABLE dead_letter IS 'Messages that could not be applied, with their bytes. Not for readers: open_dead_letter has the coordinates.';
--> statement-breakpoint
COMMENT ON TABLE event_conflict IS 'Events with the identity of a billed one and another payload. The first is billed until a person decides. Not for readers: see open_conflict.';
--> statement-breakpoint
COMMENT ON VIEW ledger_entry IS 'Internal. usage_event with the columns that only checks need.';
--> statement-breakpoint
COMMENT ON VIEW usage_event IS 'The itemised ledger: a row for each billed event, and for each correction that a person decided.';
--> statement-breakpoint
COMMENT ON VIEW llm_model_usage IS 'session_model_usage of LLMs and realtime models, with the fields of LiveKit''s LLMModelUsage.';
--> statement-breakpoint
COMMENT ON VIEW tts_model_usage IS 'session_model_usage of speech synthesis, with the fields of LiveKit''s TTSModelUsage.';
--> statement-breakpoint
COMMENT ON VIEW stt_model_usage IS 'session_model_usage of speech recognition, with the fields of LiveKit''s STTModelUsage.';
--> statement-breakpoint
COMMENT ON VIEW interruption_model_usage IS 'session_model_usage of interruption detection, with the fields of LiveKit''s InterruptionModelUsage.';
--> statement-breakpoint
COMMENT ON VIEW eot_model_usage IS 'session_model_usage of end-of-turn detection, with the fields of LiveKit''s EOTModelUsage.';
--> statement-breakpoint
COMMENT ON VIEW session_usage_summary IS 'A session in one row, with the fields of LiveKit''s deprecated UsageSummary.';
--> statement-breakpoint
COMMENT ON VIEW open_dead_letter IS 'Messages that are not applied, and nobody has decided about: possibly usage that is not billed yet.';
--> statement-breakpoint
COMMENT ON VIEW open_conflict IS 'Conflicts that nobody has decided about: the first payload is billed, the second is not.';
--> statement-breakpoint

COMMENT ON COLUMN session.account_id IS 'The account that pays. The first one that an event of the session names stays, until a person sets another; null while none did.';
--> statement-breakpoint
COMMENT ON COLUMN session.attributes IS 'Attributes of the events, merged; of several values for a key the first one stays.';
--> statement-breakpoint
COMMENT ON COLUMN session.first_event_at IS 'Time of the earliest event, billed or not.';
--> statement-breakpoint
COMMENT ON COLUMN session.last_event_at IS 'Time of the latest event, billed or not.';
--> statement-breakpoint
COMMENT ON COLUMN session.period IS 'Internal. Month in which the ledger first saw the session: where its pages are stored. Not a billing month.';
--> statement-breakpoint
COMMENT ON COLUMN session.revision IS 'Internal. Changes with every transaction that writes to the session.';
--> statement-breakpoint
COMMENT ON COLUMN session.identity_rule IS 'Internal. The rule by which events of the session are identified.';
--> statement-breakpoint
COMMENT ON COLUMN session_model_usage.first_event_at IS 'Time of the earliest billed event of the row.';
--> statement-breakpoint
COMMENT ON COLUMN session_model_usage.last_event_at IS 'Time of the latest billed event of the row.';
--> statement-breakpoint
COMMENT ON COLUMN session_model_usage.updated_at IS 'When the transaction began that last changed the row. No cursor for polling: a transaction may begin earlier and commit later than another.';
--> statement-breakpoint
COMMENT ON COLUMN usage_event.is_correction IS 'False: an event. True: a signed difference, from a conflict that a person decided; it has the time of the event that it corrects and the coordinates of the conflicting message, and does not count in event_count.';
--> statement-breakpoint
COMMENT ON COLUMN ledger_entry.is_correction IS 'Whether the row is a correction and no event.';
--> statement-breakpoint
COMMENT ON COLUMN ledger_page.is_correction IS 'Whether the entries are corrections and no events.';
--> statement-breakpoint
COMMENT ON COLUMN consumed_range.consumed IS 'Messages that were read; offsets without a message (transaction markers, compaction) do not count.';
--> statement-breakpoint
COMMENT ON COLUMN consumed_range.applied IS 'Messages that were billed.';
--> statement-breakpoint
COMMENT ON COLUMN consumed_range.duplicate IS 'Messages of events that were in the ledger already.';
--> statement-breakpoint
COMMENT ON COLUMN consumed_range.ignored IS 'Messages of events that are never billed.';
--> statement-breakpoint
COMMENT ON COLUMN consumed_range.conflict IS 'Messages that went to event_conflict.';
--> statement-breakpoint
COMMENT ON COLUMN consumed_range.dead_letter IS 'Messages that went to dead_letter.';
--> statement-breakpoint
COMMENT ON COLUMN consumed_range.next_offset IS 'The offset after the last one of the range.';
--> statement-breakpoint
COMMENT ON COLUMN consumed_range.note IS 'A person''s decision in words, where no batch wrote the range.';
--> statement-breakpoint
COMMENT ON COLUMN consumed_range.decision IS 'Why nothing of the range was read: lost or skipped; null: it was read.';
--> statement-breakpoint
COMMENT ON COLUMN consumer_position.next_offset IS 'The next offset to be read. It moves in the transaction that applies what is before it.';
--> statement-breakpoint
COMMENT ON COLUMN consumer_position.updated_at IS 'When the position last moved.';
--> statement-breakpoint

-- What has the same meaning wherever it stands. Columns that have a comment keep it.
DO $$
DECLARE
  target record;
BEGIN
  FOR target IN
    SELECT relation.relname, attribute.attname, meaning.text
    FROM (VALUES
      ('session_id', 'The call: the id that the agent gives with its events.'),
      ('account_id', 'The account that pays for the session; null: unknown.'),
      ('metric_type', 'Kind of event, as in LiveKit: llm_metrics, realtime_model_metrics (both are billed as llm_usage), tts_metrics (tts_usage), stt_metrics (stt_usage), interruption_metrics (interruption_usage), eot_inference_metrics (eot_usage).'),
      ('usage_type', 'Kind of usage: llm_usage (from llm_metrics and realtime_model_metrics), tts_usage, stt_usage, interruption_usage or eot_usage.'),
      ('type', 'Kind of usage, as in usage_type.'),
      ('provider', 'Provider of the model, as the agent names it; empty: not named.'),
      ('model', 'Model, as the agent names it; empty: not named.'),
      ('request_id', 'Id of the provider''s request, or what stands for it; see docs/identity.md. Not unique.'),
      ('event_at', 'Time of the event by its own timestamp, or Kafka''s where that is implausible. Days and prices are decided by it.'),
      ('kafka_topic', 'Topic of the message.'),
      ('kafka_partition', 'Partition of the message.'),
      ('kafka_offset', 'Offset of the message.'),
      ('recorded_at', 'When the transaction began that wrote it. No cursor for polling: a transaction may begin earlier and commit later than another.'),
      ('resolved_at', 'When it was decided about; null: it is open.'),
      ('resolution', 'What was decided.'),
      ('record_timestamp', 'Kafka''s time of the message.'),
      ('reason', 'Why it could not be applied; see docs/reliability.md.'),
      ('detail', 'Why it could not be applied, in words.'),
      ('schema_id', 'Id of the writer''s schema in the registry; null: the message names none.'),
      ('key', 'Key of the message.'),
      ('value', 'Value of the message, as it was.'),
      ('headers', 'Headers of the message.'),
      ('copy_due_at', 'Earliest time of the copy to the dead-letter topic; null: none is due.'),
      ('copied_at', 'When it was copied to the dead-letter topic.'),
      ('copy_error', 'Why the last attempt to copy it failed.'),
      ('applied_payload', 'The payload that was billed first.'),
      ('conflicting_payload', 'The payload that came later.'),
      ('generation', 'The life of the topic that the offset belongs to: 0, or more where the topic was recreated or cut.'),
      ('topic_id', 'Kafka''s id of the topic; null where brokers have none.'),
      ('first_seen_at', 'When the ledger first saw it.'),
      ('group_id', 'Consumer group.'),
      ('topic', 'Kafka topic.'),
      ('partition', 'Partition of the topic.'),
      ('pass', 'Grows by one with each rewind of the group: offsets are read again.'),
      ('pass_first_offset', 'Where the pass began.'),
      ('range_first_offset', 'Where the newest range of the books begins.'),
      ('first_offset', 'First offset of the range.'),
      ('halted_at', 'Since when the partition is halted; null: it is not.'),
      ('halt_kind', 'Kind of the halt.'),
      ('halt_why', 'Cause of the halt, in words.'),
      ('judged_from', 'Dead letters before this offset do not count towards DEAD_LETTER_LIMIT.'),
      ('is_correction', 'Whether it is a signed difference that a person decided, and no event.'),
      ('event_count', 'Billed events; corrections do not count.'),
      ('input_tokens', 'Tokens. All input, in whatever form; the other input columns are parts of it.'),
      ('input_cached_tokens', 'Tokens. Part of input_tokens that was read from a cache.'),
      ('input_cache_creation_tokens', 'Tokens. Part of input_tokens that was written to a cache.'),
      ('input_audio_tokens', 'Tokens. Part of input_tokens that is audio, cached or not.'),
      ('input_cached_audio_tokens', 'Tokens. Part of both input_audio_tokens and input_cached_tokens.'),
      ('input_text_tokens', 'Tokens. Part of input_tokens that is text, cached or not; 0 where the provider does not say.'),
      ('input_cached_text_tokens', 'Tokens. Part of both input_text_tokens and input_cached_tokens.'),
      ('input_image_tokens', 'Tokens. Part of input_tokens that is images, cached or not.'),
      ('input_cached_image_tokens', 'Tokens. Part of both input_image_tokens and input_cached_tokens.'),
      ('output_tokens', 'Tokens. All output; the other output columns are parts of it.'),
      ('output_audio_tokens', 'Tokens. Part of output_tokens that is audio.'),
      ('output_text_tokens', 'Tokens. Part of output_tokens that is text; 0 where the provider does not say.'),
      ('output_image_tokens', 'Tokens. Part of output_tokens that is images.'),
      ('output_reasoning_tokens', 'Tokens. Part of output_tokens that is reasoning.'),
      ('session_duration', 'Seconds, exact. How long a realtime model''s session was open, where it is billed by that.'),
      ('characters_count', 'Characters. Text given to speech synthesis.'),
      ('audio_duration', 'Seconds, exact. Audio that was recognised (stt_usage) or made (tts_usage).'),
      ('total_requests', 'Requests, of detection of interruptions and ends of turns.'),
      ('llm_prompt_tokens', 'Tokens. Input of LLMs and realtime models.'),
      ('llm_prompt_cached_tokens', 'Tokens. Cached input of LLMs and realtime models.'),
      ('llm_input_tokens', 'Tokens. The same as llm_prompt_tokens.'),
      ('llm_input_audio_tokens', 'Tokens. Audio input of LLMs and realtime models.'),
      ('llm_input_cached_audio_tokens', 'Tokens. Cached audio input of LLMs and realtime models.'),
      ('llm_input_text_tokens', 'Tokens. Text input of LLMs and realtime models.'),
      ('llm_input_cached_text_tokens', 'Tokens. Cached text input of LLMs and realtime models.'),
      ('llm_input_image_tokens', 'Tokens. Image input of LLMs and realtime models.'),
      ('llm_input_cached_image_tokens', 'Tokens. Cached image input of LLMs and realtime models.'),
      ('llm_completion_tokens', 'Tokens. Output of LLMs and realtime models.'),
      ('llm_output_tokens', 'Tokens. The same as llm_completion_tokens.'),
      ('llm_output_audio_tokens', 'Tokens. Audio output of LLMs and realtime models.'),
      ('llm_output_image_tokens', 'Tokens. Image output of LLMs and realtime models.'),
      ('llm_output_text_tokens', 'Tokens. Text output of LLMs and realtime models.'),
      ('tts_characters_count', 'Characters. Text given to speech synthesis.'),
      ('tts_audio_duration', 'Seconds, exact. Audio made by speech synthesis.'),
      ('stt_audio_duration', 'Seconds, exact. Audio given to speech recognition.'),
      ('stt_input_tokens', 'Tokens. Input of speech recognition, where it is billed by tokens.'),
      ('stt_output_tokens', 'Tokens. Output of speech recognition, where it is billed by tokens.'),
      ('stt_input_audio_tokens', 'Tokens. Audio input of speech recognition, where it is billed by tokens.'),
      ('source_id', 'Internal. Row of usage_source.'),
      ('identity', 'Internal. Hash of what identifies the event.'),
      ('fingerprint', 'Internal. Hash of what was sent.'),
      ('identities', 'Internal. 16 bytes for each entry: identity, then fingerprint.'),
      ('period', 'Internal. Month in which the ledger first saw the session.'),
      ('revision', 'Internal. The revision of the session that it was written under.'),
      ('page', 'Internal. Number of the page within its revision.'),
      ('base_offset', 'Internal. The offset of an entry is this plus its offset_delta.'),
      ('entry_count', 'Internal. Entries of the page.'),
      ('event_us', 'Internal. event_at, in microseconds since 1970.'),
      ('offset_delta', 'Internal. See base_offset.'),
      ('id', 'Number of the migration.'),
      ('hash', 'Hash of the migration''s text.'),
      ('created_at', 'Order of the migration.')
    ) AS meaning (name, text)
    JOIN pg_attribute AS attribute
      ON attribute.attname = meaning.name AND attribute.attnum > 0 AND NOT attribute.attisdropped
    JOIN pg_class AS relation ON relation.oid = attribute.attrelid
    WHERE relation.relnamespace = quote_ident(current_schema())::regnamespace
      AND relation.relkind IN ('r', 'p', 'v') AND NOT relation.relispartition
      AND col_description(relation.oid, attribute.attnum) IS NULL
  LOOP
    EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', target.relname, target.attname, target.text);
  END LOOP;
END
$$;
