import type { UsageColumn } from '../livekit/usage-columns.ts';
import {
  BILLED_FIELDS,
  type BillableMetric,
  COLUMNS_OF,
  usageValues,
} from '../livekit/usage-of.ts';
import type { AgentEvent } from '../records/agent-event.ts';

/** Ids and names with more characters (Unicode code points) than this are invalid. */
export const MAX_NAME_CHARACTERS = 1_024;
/** Of one event; a session may have more, see `MAX_SESSION_ATTRIBUTES`. */
export const MAX_ATTRIBUTES = 64;
export const MAX_ATTRIBUTE_NAME_CHARACTERS = 128;

/** Timestamps outside these years are not the time of day; see `eventTime`. */
const EARLIEST_US = Date.UTC(2015, 0) * 1_000;
const LATEST_US = Date.UTC(2100, 0) * 1_000;

/**
 * The values that may be billed (see `usageValues`; `undefined`: the event is not billed), or why
 * the event is a dead letter.
 */
export type Validated =
  | { readonly valid: true; readonly values: readonly number[] | undefined }
  | { readonly valid: false; readonly detail: string };

/** Fields that are stored whatever the metric is; of a billed metric, all texts are. */
const ALWAYS_STORED: readonly string[] = ['session_id', 'account_id', 'attributes'];

/**
 * Checks every value that is billed, stored or part of the identity. All others (such as `ttft`,
 * where -1 means "none") are taken as they are.
 */
export function validate(event: AgentEvent): Validated {
  const values = usageValues(event.metric);
  const detail =
    encodingProblem(event.notUtf8, values !== undefined) ??
    nameProblem('session_id', event.sessionId) ??
    (event.accountId === null ? undefined : nameProblem('account_id', event.accountId)) ??
    attributesProblem(event.attributes);
  if (detail !== undefined) return { valid: false, detail };

  if (values === undefined) return { valid: true, values };
  const metric = event.metric as BillableMetric;
  const problem = metricProblem(metric) ?? usageProblem(metric.type, values);
  return problem === undefined ? { valid: true, values } : { valid: false, detail: problem };
}

/**
 * When the event happened, in microseconds since 1970: the emitter's own timestamp or, where that
 * is no time of day (AWS realtime sends a monotonic clock), the record's.
 *
 * @param seconds the metric's timestamp
 * @param recordMs the record's timestamp, in milliseconds
 */
export function eventTime(seconds: number, recordMs: number): number {
  const us = Math.round(seconds * 1e6);
  if (us >= EARLIEST_US && us < LATEST_US) return us;
  return Math.min(Math.max(recordMs * 1_000, 0), LATEST_US);
}

function encodingProblem(notUtf8: readonly string[], isBilled: boolean): string | undefined {
  const name = notUtf8.find((field) => isBilled || ALWAYS_STORED.includes(field));
  return name === undefined ? undefined : `${name} is not well-formed Unicode (UTF-8)`;
}

function metricProblem(metric: BillableMetric): string | undefined {
  if (!Number.isFinite(metric.timestamp)) {
    return `timestamp is ${metric.timestamp}; expected a finite number of seconds`;
  }
  const { metadata } = metric;
  const problem =
    metadata === null
      ? undefined
      : (optionalNameProblem('metadata.model_name', metadata.model_name) ??
        optionalNameProblem('metadata.model_provider', metadata.model_provider));
  if (problem !== undefined) return problem;
  switch (metric.type) {
    case 'llm_metrics':
      return (
        textProblem('label', metric.label) ??
        nameProblem('request_id', metric.request_id) ??
        optionalNameProblem('speech_id', metric.speech_id) ??
        countProblem('total_tokens', metric.total_tokens)
      );
    case 'tts_metrics':
      return (
        textProblem('label', metric.label) ??
        nameProblem('request_id', metric.request_id) ??
        optionalNameProblem('segment_id', metric.segment_id) ??
        optionalNameProblem('speech_id', metric.speech_id)
      );
    case 'stt_metrics':
      return textProblem('label', metric.label) ?? nameProblem('request_id', metric.request_id);
    case 'realtime_model_metrics':
      return (
        textProblem('label', metric.label) ??
        nameProblem('request_id', metric.request_id) ??
        countProblem('total_tokens', metric.total_tokens)
      );
    default:
      return undefined;
  }
}

function usageProblem(type: BillableMetric['type'], values: readonly number[]): string | undefined {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] as number;
    if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) continue;
    const column = COLUMNS_OF[type][i] as UsageColumn;
    // The sender knows its own field, and not the column that it is billed as.
    const fields: Partial<Record<UsageColumn, string>> = BILLED_FIELDS[type];
    const name = fields[column] ?? column;
    const isDuration = column === 'session_duration' || column === 'audio_duration';
    if (!isDuration) return countProblem(name, value);
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      return `${name} is ${value}; expected a finite number of seconds, not negative`;
    }
  }
  return undefined;
}

function countProblem(name: string, value: number): string | undefined {
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return undefined;
  return `${name} is ${value}; expected 0 to 2^53-1`;
}

export function nameProblem(
  name: string,
  value: string,
  most = MAX_NAME_CHARACTERS,
): string | undefined {
  if (value.length > most) {
    // Beyond the basic plane a character is two UTF-16 units.
    const characters = countCharacters(value);
    if (characters > most) return `${name} has ${characters} characters; expected at most ${most}`;
  }
  return textProblem(name, value);
}

/** Counted without an array of characters: the text may be a megabyte. */
function countCharacters(value: string): number {
  let count = 0;
  for (const _ of value) count += 1;
  return count;
}

function optionalNameProblem(name: string, value: string | null): string | undefined {
  return value === null ? undefined : nameProblem(name, value);
}

function textProblem(name: string, value: string): string | undefined {
  if (value.includes('\0')) return `${name} holds U+0000, which Postgres cannot store`;
  if (!value.isWellFormed()) return `${name} is not well-formed Unicode (UTF-8)`;
  return undefined;
}

function attributesProblem(attributes: Readonly<Record<string, string>>): string | undefined {
  let count = 0;
  for (const key in attributes) {
    count += 1;
    if (count > MAX_ATTRIBUTES) return `more than ${MAX_ATTRIBUTES} attributes in one event`;
    const problem =
      nameProblem('an attribute name', key, MAX_ATTRIBUTE_NAME_CHARACTERS) ??
      nameProblem('an attribute', attributes[key] ?? '');
    if (problem !== undefined) return problem;
  }
  return undefined;
}
