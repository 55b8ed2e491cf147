import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  char,
  date,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { bytea, exactText } from './columns.ts';

/**
 * The tables. They are named without a schema: DATABASE_SCHEMA is on the search path of every
 * transaction, so that one database can hold several ledgers.
 *
 * The key of every table that grows with the number of calls begins with `session_id`, so that the
 * tables can be distributed by session.
 */

const count = (name: string) => bigint(name, { mode: 'bigint' }).notNull().default(sql`0`);
const seconds = (name: string) => numeric(name).notNull().default('0');
const offset = (name: string) => bigint(name, { mode: 'number' });
const instant = (name: string) => timestamp(name, { withTimezone: true });
const firstDay = sql`((first_event_at AT TIME ZONE 'UTC')::date)`;
const generation = () => integer('generation').notNull().default(0);

/** A call. Its row is the lock under which all that belongs to it is written. */
export const session = pgTable(
  'session',
  {
    sessionId: exactText('session_id').primaryKey(),
    accountId: text('account_id'),
    attributes: jsonb('attributes').notNull().default({}),
    firstEventAt: instant('first_event_at').notNull(),
    lastEventAt: instant('last_event_at').notNull(),
    /** First day of the month in which the ledger first saw the session: its pages live there. */
    period: date('period').notNull().default(sql`date_trunc('month', now() AT TIME ZONE 'UTC')`),
    /** Grows by a random step with every transaction that writes to the session: a cached session is
     * current exactly if its revision is the same, also after a restore to an earlier moment. */
    revision: bigint('revision', { mode: 'bigint' }).notNull(),
    /** By which its events are identified; see src/identify. The default is of builds that name none. */
    identityRule: smallint('identity_rule').notNull().default(1),
  },
  (t) => [
    /** For billing. Of no column that each event changes, so that updates stay in place. */
    index('session_by_account').on(t.accountId, firstDay),
    index('session_by_first_day').on(firstDay),
  ],
);

/** UTC days of the sessions that have events on more than one; the trigger `session_days` writes them. */
export const sessionDay = pgTable(
  'session_day',
  {
    sessionId: exactText('session_id').notNull(),
    day: date('day').notNull(),
  },
  (t) => [
    primaryKey({ name: 'session_day_key', columns: [t.sessionId, t.day] }),
    index('session_day_by_day').on(t.day),
  ],
);

/** What many entries share, written once: metric type, provider and model. */
export const usageSource = pgTable(
  'usage_source',
  {
    sourceId: integer('source_id').primaryKey().generatedAlwaysAsIdentity(),
    metricType: exactText('metric_type').notNull(),
    provider: exactText('provider').notNull(),
    model: exactText('model').notNull(),
  },
  (t) => [unique('usage_source_names').on(t.metricType, t.provider, t.model)],
);

/**
 * The itemised ledger, packed: a row holds what one transaction applied to one session, or several did
 * once its pages are merged, with an array element for each event. The view `usage_event` has a row for
 * each event. An array of zeros is null.
 */
export const ledgerPage = pgTable(
  'ledger_page',
  {
    sessionId: exactText('session_id').notNull(),
    period: date('period').notNull(),
    /** The revision of the session that the page was written under. */
    revision: bigint('revision', { mode: 'bigint' }).notNull(),
    /** Pages of one revision, from 0. */
    page: smallint('page').notNull(),
    kafkaTopic: exactText('kafka_topic').notNull(),
    kafkaPartition: integer('kafka_partition').notNull(),
    baseOffset: offset('base_offset').notNull(),
    entryCount: integer('entry_count').notNull(),
    /** A signed difference, from a conflict that a person accepted; not an event. */
    isCorrection: boolean('is_correction').notNull().default(false),
    /** When the newest of its entries was recorded. */
    recordedAt: instant('recorded_at').notNull().defaultNow(),
    /** 16 bytes for each entry: identity, then fingerprint; see src/identify. */
    identities: bytea('identities').notNull(),
    sourceId: integer('source_id').array().notNull(),
    requestId: text('request_id').array().notNull(),
    /** Microseconds since 1970. */
    eventUs: bigint('event_us', { mode: 'number' }).array().notNull(),
    /** The entry's offset is `base_offset` plus this. */
    offsetDelta: integer('offset_delta').array().notNull(),
    inputTokens: bigint('input_tokens', { mode: 'bigint' }).array(),
    inputCachedTokens: bigint('input_cached_tokens', { mode: 'bigint' }).array(),
    inputAudioTokens: bigint('input_audio_tokens', { mode: 'bigint' }).array(),
    inputCachedAudioTokens: bigint('input_cached_audio_tokens', { mode: 'bigint' }).array(),
    inputTextTokens: bigint('input_text_tokens', { mode: 'bigint' }).array(),
    inputCachedTextTokens: bigint('input_cached_text_tokens', { mode: 'bigint' }).array(),
    inputImageTokens: bigint('input_image_tokens', { mode: 'bigint' }).array(),
    inputCachedImageTokens: bigint('input_cached_image_tokens', { mode: 'bigint' }).array(),
    outputTokens: bigint('output_tokens', { mode: 'bigint' }).array(),
    outputAudioTokens: bigint('output_audio_tokens', { mode: 'bigint' }).array(),
    outputTextTokens: bigint('output_text_tokens', { mode: 'bigint' }).array(),
    outputImageTokens: bigint('output_image_tokens', { mode: 'bigint' }).array(),
    sessionDuration: numeric('session_duration').array(),
    charactersCount: bigint('characters_count', { mode: 'bigint' }).array(),
    audioDuration: numeric('audio_duration').array(),
    totalRequests: bigint('total_requests', { mode: 'bigint' }).array(),
    inputCacheCreationTokens: bigint('input_cache_creation_tokens', { mode: 'bigint' }).array(),
    outputReasoningTokens: bigint('output_reasoning_tokens', { mode: 'bigint' }).array(),
    /** Of the transaction that wrote it, in `usage_change`; by default, a number that grows. Null: of
     * before there were any. */
    changeId: bigint('change_id', { mode: 'bigint' }),
    /** Of a merged page: when each entry was recorded, in microseconds from `recorded_at`. */
    recordedDelta: integer('recorded_delta').array(),
  },
  (t) => [
    primaryKey({ name: 'ledger_page_key', columns: [t.sessionId, t.period, t.revision, t.page] }),
    /** For `verify --since`: pages are written in the order of their time, but for those merged later. */
    index('ledger_page_recorded').using('brin', t.recordedAt).with({ autosummarize: true }),
  ],
);

/** Sessions that were written to since their pages were last merged: what workers compact. */
export const uncompactedSession = pgTable(
  'uncompacted_session',
  {
    sessionId: exactText('session_id').primaryKey(),
    /** A time at which it was written to; it may have been written to since. */
    writtenAt: instant('written_at').notNull().defaultNow(),
  },
  (t) => [index('uncompacted_session_written').on(t.writtenAt)],
);

/** What is billed: a row for each session, usage type, provider and model. */
export const sessionModelUsage = pgTable(
  'session_model_usage',
  {
    sessionId: exactText('session_id').notNull(),
    usageType: exactText('usage_type').notNull(),
    provider: exactText('provider').notNull(),
    model: exactText('model').notNull(),
    inputTokens: count('input_tokens'),
    inputCachedTokens: count('input_cached_tokens'),
    inputAudioTokens: count('input_audio_tokens'),
    inputCachedAudioTokens: count('input_cached_audio_tokens'),
    inputTextTokens: count('input_text_tokens'),
    inputCachedTextTokens: count('input_cached_text_tokens'),
    inputImageTokens: count('input_image_tokens'),
    inputCachedImageTokens: count('input_cached_image_tokens'),
    outputTokens: count('output_tokens'),
    outputAudioTokens: count('output_audio_tokens'),
    outputTextTokens: count('output_text_tokens'),
    outputImageTokens: count('output_image_tokens'),
    sessionDuration: seconds('session_duration'),
    charactersCount: count('characters_count'),
    audioDuration: seconds('audio_duration'),
    totalRequests: count('total_requests'),
    eventCount: count('event_count'),
    firstEventAt: instant('first_event_at').notNull(),
    lastEventAt: instant('last_event_at').notNull(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
    inputCacheCreationTokens: count('input_cache_creation_tokens'),
    outputReasoningTokens: count('output_reasoning_tokens'),
  },
  (t) => [
    primaryKey({
      name: 'session_model_usage_key',
      columns: [t.sessionId, t.usageType, t.provider, t.model],
    }),
  ],
);

/** Changes of sessions that write no page; together with the pages, what `usage_change` has. */
export const sessionChange = pgTable(
  'session_change',
  {
    sessionId: exactText('session_id').notNull(),
    changeId: bigint('change_id', { mode: 'bigint' }).notNull(),
    changedAt: instant('changed_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ name: 'session_change_key', columns: [t.sessionId, t.changeId] }),
    index('session_change_by_id').on(t.changeId),
  ],
);

/** A person's decisions about the accounts of sessions. */
export const sessionAccountChange = pgTable(
  'session_account_change',
  {
    sessionId: exactText('session_id').notNull(),
    changedAt: instant('changed_at').notNull().default(sql`clock_timestamp()`),
    accountBefore: text('account_before'),
    accountAfter: text('account_after').notNull(),
    reason: text('reason'),
    decidedBy: text('decided_by').notNull().default(sql`session_user`),
  },
  (t) => [primaryKey({ name: 'session_account_change_key', columns: [t.sessionId, t.changedAt] })],
);

/** When each UTC day was complete in all partitions; filled by a trigger of `consumer_position`. */
export const billingDay = pgTable('billing_day', {
  day: date('day').primaryKey(),
  closedAt: instant('closed_at').notNull().defaultNow(),
});

/**
 * What an agent counted itself: of each session the latest report, in one row, so that a report
 * replaces the one before as a whole. The view `session_usage_report` has a row for each model.
 */
export const sessionReport = pgTable('session_report', {
  sessionId: exactText('session_id').primaryKey(),
  reportedAt: instant('reported_at').notNull(),
  /** As the agent sent it, without the columns that are zero. */
  modelUsage: jsonb('model_usage').notNull(),
  kafkaTopic: exactText('kafka_topic').notNull(),
  kafkaPartition: integer('kafka_partition').notNull(),
  kafkaOffset: offset('kafka_offset').notNull(),
  recordedAt: instant('recorded_at').notNull().defaultNow(),
});

/**
 * The generations of a topic. A topic that was deleted and recreated begins another one, in which
 * offsets belong to other messages; so does a partition whose log was cut.
 */
export const topicGeneration = pgTable(
  'topic_generation',
  {
    topic: exactText('topic').notNull(),
    generation: integer('generation').notNull(),
    /** The brokers' id of the topic; null when they have none. */
    topicId: uuid('topic_id'),
    firstSeenAt: instant('first_seen_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ name: 'topic_generation_key', columns: [t.topic, t.generation] })],
);

/** The position of each group in each partition: locked and moved by every batch. */
export const consumerPosition = pgTable(
  'consumer_position',
  {
    groupId: exactText('group_id').notNull(),
    topic: exactText('topic').notNull(),
    partition: integer('partition').notNull(),
    nextOffset: offset('next_offset').notNull(),
    /** Grows by one with each rewind of the group. */
    pass: integer('pass').notNull().default(0),
    /** Where the current pass began. */
    passFirstOffset: offset('pass_first_offset').notNull(),
    /** Where the newest range begins, which the next batch may extend. */
    rangeFirstOffset: offset('range_first_offset').notNull(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
    /** The generation of the topic that the offsets belong to. */
    generation: generation(),
    /** Set while the partition is halted: the kind of the halt, and its cause in words. */
    haltedAt: instant('halted_at'),
    haltKind: text('halt_kind'),
    haltWhy: text('halt_why'),
    /** Dead letters before this offset do not count towards DEAD_LETTER_LIMIT: see `position resume`. */
    judgedFrom: offset('judged_from').notNull().default(0),
    /** Everything with an earlier Kafka time is applied. Null: not known; `-infinity`: of a replay,
     * which promises nothing; `infinity`: retired by a person. */
    appliedUntil: instant('applied_until'),
  },
  (t) => [
    primaryKey({ name: 'consumer_position_key', columns: [t.groupId, t.topic, t.partition] }),
  ],
);

/** The books: the outcomes of all offsets that were read. */
export const consumedRange = pgTable(
  'consumed_range',
  {
    groupId: exactText('group_id').notNull(),
    topic: exactText('topic').notNull(),
    partition: integer('partition').notNull(),
    pass: integer('pass').notNull(),
    firstOffset: offset('first_offset').notNull(),
    nextOffset: offset('next_offset').notNull(),
    consumed: offset('consumed').notNull(),
    applied: offset('applied').notNull(),
    duplicate: offset('duplicate').notNull(),
    ignored: offset('ignored').notNull(),
    conflict: offset('conflict').notNull(),
    deadLetter: offset('dead_letter').notNull(),
    /** A person's decision, where no batch wrote the range. */
    note: text('note'),
    recordedAt: instant('recorded_at').notNull().defaultNow(),
    generation: generation(),
    /** Why nothing of the range was read: `lost` or `skipped`; null for what was read. */
    decision: text('decision'),
  },
  (t) => [
    primaryKey({
      name: 'consumed_range_key',
      columns: [t.groupId, t.topic, t.partition, t.pass, t.firstOffset],
    }),
    /** For `readUnread`: whether any group has read an offset. */
    index('consumed_range_by_topic').on(t.topic, t.partition, t.generation, t.firstOffset),
  ],
);

/** Records that could not be applied, with all that another attempt needs. */
export const deadLetter = pgTable(
  'dead_letter',
  {
    kafkaTopic: exactText('kafka_topic').notNull(),
    kafkaPartition: integer('kafka_partition').notNull(),
    kafkaOffset: offset('kafka_offset').notNull(),
    reason: text('reason').notNull(),
    detail: text('detail').notNull(),
    schemaId: bigint('schema_id', { mode: 'number' }),
    key: bytea('key'),
    value: bytea('value'),
    headers: jsonb('headers').notNull().default({}),
    recordTimestamp: instant('record_timestamp').notNull(),
    recordedAt: instant('recorded_at').notNull().defaultNow(),
    resolvedAt: instant('resolved_at'),
    /** How it was resolved: the outcome of the redrive, or `discarded: ` and the reason. */
    resolution: text('resolution'),
    /** The earliest time of its copy to KAFKA_DEAD_LETTER_TOPIC; null: no copy is due. */
    copyDueAt: instant('copy_due_at'),
    copiedAt: instant('copied_at'),
    /** Why the last attempt to copy it failed. */
    copyError: text('copy_error'),
    generation: generation(),
  },
  (t) => [
    primaryKey({
      name: 'dead_letter_key',
      columns: [t.kafkaTopic, t.kafkaPartition, t.kafkaOffset, t.generation],
    }),
    index('dead_letter_open').on(t.recordedAt).where(sql`resolved_at IS NULL`),
    index('dead_letter_copy_due').on(t.copyDueAt).where(sql`copy_due_at IS NOT NULL`),
  ],
);

/** Two payloads with one identity: the first is billed until a person decides. */
export const eventConflict = pgTable(
  'event_conflict',
  {
    sessionId: exactText('session_id').notNull(),
    kafkaTopic: exactText('kafka_topic').notNull(),
    kafkaPartition: integer('kafka_partition').notNull(),
    kafkaOffset: offset('kafka_offset').notNull(),
    metricType: text('metric_type').notNull(),
    requestId: text('request_id'),
    appliedPayload: jsonb('applied_payload').notNull(),
    conflictingPayload: jsonb('conflicting_payload').notNull(),
    recordedAt: instant('recorded_at').notNull().defaultNow(),
    resolvedAt: instant('resolved_at'),
    /** `accepted`, `dismissed` or `billed_both`. */
    resolution: text('resolution'),
    generation: generation(),
  },
  (t) => [
    primaryKey({
      name: 'event_conflict_key',
      columns: [t.sessionId, t.kafkaTopic, t.kafkaPartition, t.kafkaOffset, t.generation],
    }),
    /** For `insertConflicts`: decisions by their payload. */
    index('event_conflict_decided')
      .on(t.sessionId, sql`jsonb_hash_extended(conflicting_payload, 0)`)
      .where(sql`resolution IS NOT NULL`),
  ],
);

/** An export of a closed period. Written once, never changed. */
export const invoiceExport = pgTable(
  'invoice_export',
  {
    accountId: exactText('account_id').notNull(),
    firstDay: date('first_day').notNull(),
    lastDay: date('last_day').notNull(),
    /** 0: the invoice; then its adjustments. */
    sequence: integer('sequence').notNull(),
    exportId: exactText('export_id').notNull(),
    lineCount: integer('line_count').notNull(),
    digest: text('digest').notNull(),
    exportedAt: instant('exported_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({
      name: 'invoice_export_key',
      columns: [t.accountId, t.firstDay, t.lastDay, t.sequence],
    }),
    unique('invoice_export_id').on(t.exportId),
  ],
);

/** The lines of exports: as many as an account has days, models and dimensions, whatever its calls. */
export const invoiceLine = pgTable(
  'invoice_line',
  {
    exportId: exactText('export_id').notNull(),
    lineNumber: integer('line_number').notNull(),
    lineId: exactText('line_id').notNull(),
    day: date('day').notNull(),
    usageType: exactText('usage_type').notNull(),
    provider: exactText('provider').notNull(),
    model: exactText('model').notNull(),
    dimension: exactText('dimension').notNull(),
    quantity: numeric('quantity').notNull(),
    unitPrice: numeric('unit_price').notNull(),
    per: numeric('per').notNull(),
    currency: char('currency', { length: 3 }).notNull(),
    cost: numeric('cost').notNull(),
    amount: numeric('amount').notNull(),
  },
  (t) => [
    primaryKey({ name: 'invoice_line_key', columns: [t.exportId, t.lineNumber] }),
    unique('invoice_line_id').on(t.lineId),
  ],
);
/** What usage costs. An exclusion constraint keeps the prices of one key and currency apart in time. */
export const modelPrice = pgTable('model_price', {
  usageType: exactText('usage_type').notNull(),
  provider: exactText('provider').notNull(),
  /** Exact, or a pattern in which `*` stands for any text. */
  model: exactText('model').notNull(),
  /** The name of a usage column. */
  dimension: exactText('dimension').notNull(),
  unitPrice: numeric('unit_price').notNull(),
  /** The quantity that it buys. */
  per: numeric('per').notNull(),
  currency: char('currency', { length: 3 }).notNull(),
  validFrom: instant('valid_from').notNull(),
  /** Null: no end. */
  validTo: instant('valid_to'),
  priceId: bigint('price_id', { mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
  recordedAt: instant('recorded_at').notNull().defaultNow(),
});

/**
 * The prices of each kind of usage, from one change of a price to the next; kept by triggers. Without a
 * currency: the parts that have no price in any.
 */
export const materializedPricePeriod = pgTable(
  'materialized_price_period',
  {
    usageType: exactText('usage_type').notNull(),
    provider: exactText('provider').notNull(),
    model: exactText('model').notNull(),
    validFrom: instant('valid_from').notNull(),
    validTo: instant('valid_to').notNull(),
    currency: char('currency', { length: 3 }),
    parts: integer('parts').array().notNull(),
    dimensions: text('dimensions').array().notNull(),
    unitPrices: numeric('unit_prices').array(),
    pers: numeric('pers').array(),
    priceIds: bigint('price_ids', { mode: 'bigint' }).array(),
  },
  (table) => [
    uniqueIndex('materialized_price_period_key').on(
      table.usageType,
      table.provider,
      table.model,
      table.validFrom,
      sql`coalesce(currency, '')`,
    ),
  ],
);
