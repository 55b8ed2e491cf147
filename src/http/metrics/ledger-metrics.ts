import type { MetricList } from './metric-spec.ts';

const PARTITION = ['topic', 'partition'] as const;
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

export const OUTCOME_METRICS = {
  messages_total: {
    type: 'counter',
    help: 'Messages booked, by outcome',
    labels: [...PARTITION, 'outcome'],
  },
  dead_letters_total: {
    type: 'counter',
    help: 'Messages booked as dead letters, by reason',
    labels: [...PARTITION, 'reason'],
  },
  dead_letter_share: {
    type: 'gauge',
    help: 'Share of dead letters among the last 10,000 messages, which DEAD_LETTER_LIMIT bounds',
    labels: PARTITION,
  },
  other_account_total: {
    type: 'counter',
    help: "Sessions in a batch whose account_id differs from the session's first",
    labels: PARTITION,
  },
  unknown_field_messages_total: {
    type: 'counter',
    help: 'Billable messages whose metric has fields that this build does not know; they are logged',
    labels: PARTITION,
  },
  event_to_billable_seconds: {
    type: 'histogram',
    help: 'From the time of an applied event, by the clock of its emitter, to the commit that billed it',
    labels: [],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400],
  },
} as const satisfies MetricList;

export const PROGRESS_METRICS = {
  position: { type: 'gauge', help: 'Next offset to be booked', labels: PARTITION },
  lag: {
    type: 'gauge',
    help: 'Offsets between the position and the end of the partition',
    labels: PARTITION,
  },
  lag_seconds: {
    type: 'gauge',
    help: 'Age of the first message that is not booked, by its time in Kafka; before it is fetched, since the partition last advanced; 0 without lag',
    labels: PARTITION,
  },
  halted: {
    type: 'gauge',
    help: '1 if the partition is halted until a person decides',
    labels: PARTITION,
  },
  assigned_partitions: {
    type: 'gauge',
    help: 'Partitions that the group has assigned to this worker',
    labels: [],
  },
  assignments_total: {
    type: 'counter',
    help: 'Times that the group assigned partitions to this worker',
    labels: [],
  },
} as const satisfies MetricList;

export const BATCH_METRICS = {
  batch_seconds: {
    type: 'histogram',
    help: 'Duration of the transaction of a batch, in seconds',
    labels: [],
    buckets: SECONDS,
  },
  batch_messages: {
    type: 'histogram',
    help: 'Messages of a batch',
    labels: [],
    buckets: [1, 10, 50, 100, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 50_000],
  },
  batch_step_seconds: {
    type: 'histogram',
    help: 'Duration of each step of a batch in Postgres; begun includes the wait for a connection',
    labels: ['step'],
    buckets: SECONDS,
  },
  batch_prepare_seconds: {
    type: 'histogram',
    help: 'From taking the records of a batch to its messages, the wait for schemas included',
    labels: [],
    buckets: SECONDS,
  },
} as const satisfies MetricList;

export const DEPENDENCY_METRICS = {
  dependency_errors_total: {
    type: 'counter',
    help: 'Errors of Postgres, the schema registry and the brokers, by class',
    labels: ['dependency', 'class'],
  },
} as const satisfies MetricList;

export const BOOK_METRICS = {
  books_balanced: {
    type: 'gauge',
    help: '1 if the last check of the books found no break, else 0; absent before the first check',
    labels: [],
  },
  book_breaks: {
    type: 'gauge',
    help: 'Places where the books do not balance, by check; updated once a minute',
    labels: ['check'],
  },
  book_check_age_seconds: {
    type: 'gauge',
    help: 'Seconds since the last check of the books; grows while they cannot be checked',
    labels: [],
  },
  open_conflicts: {
    type: 'gauge',
    help: 'Conflicts that await a decision, counted up to 100,000; updated once a minute',
    labels: [],
  },
  open_dead_letters: {
    type: 'gauge',
    help: 'Dead letters that are not resolved, counted up to 100,000; updated once a minute',
    labels: [],
  },
} as const satisfies MetricList;

export const COMPACTION_METRICS = {
  compacted_sessions_total: {
    type: 'counter',
    help: 'Merges of ledger pages, each of one session',
    labels: [],
  },
  compacted_pages_total: {
    type: 'counter',
    help: 'Merged ledger pages: before, those that were replaced; after, those that replaced them',
    labels: ['state'],
  },
  compaction_seconds: {
    type: 'histogram',
    help: 'Duration of a transaction that merges ledger pages, in seconds',
    labels: [],
    buckets: SECONDS,
  },
  compaction_failures_total: {
    type: 'counter',
    help: 'Attempts to merge ledger pages that failed; they are repeated',
    labels: [],
  },
} as const satisfies MetricList;
