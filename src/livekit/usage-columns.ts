/** The types of billable usage, in the order of reports. */
export const USAGE_TYPES = [
  'llm_usage',
  'tts_usage',
  'stt_usage',
  'interruption_usage',
  'eot_usage',
] as const;

export type UsageType = (typeof USAGE_TYPES)[number];

/** Billable counts: tokens, characters, requests. */
export const COUNT_COLUMNS = [
  'input_tokens',
  'input_cached_tokens',
  'input_cache_creation_tokens',
  'input_audio_tokens',
  'input_cached_audio_tokens',
  'input_text_tokens',
  'input_cached_text_tokens',
  'input_image_tokens',
  'input_cached_image_tokens',
  'output_tokens',
  'output_audio_tokens',
  'output_text_tokens',
  'output_image_tokens',
  'output_reasoning_tokens',
  'characters_count',
  'total_requests',
] as const;

export type CountColumn = (typeof COUNT_COLUMNS)[number];

/** Billable durations in seconds: doubles here, exact decimals in the ledger. */
export const DURATION_COLUMNS = ['session_duration', 'audio_duration'] as const;

export type DurationColumn = (typeof DURATION_COLUMNS)[number];

/** All of them, in the order of the ledger. */
export const USAGE_COLUMNS = [...COUNT_COLUMNS, ...DURATION_COLUMNS] as const;

export type UsageColumn = (typeof USAGE_COLUMNS)[number];

/** A number for each usage column. */
export type UsageColumns = Record<UsageColumn, number>;

/** Zero in every column. */
export const NO_USAGE = Object.fromEntries(USAGE_COLUMNS.map((name) => [name, 0])) as Readonly<
  Record<UsageColumn, number>
>;
