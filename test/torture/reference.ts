import type { AgentMetrics } from '../../src/livekit/types.ts';
import type { Database } from '../../src/postgres/database.ts';

/**
 * What must be billed for some events, worked out in the plainest way and without any of the
 * worker's code: whole numbers and exact decimals, added one after the other.
 */
export class Reference {
  readonly #rows = new Map<string, ExpectedRow>();
  #billable = 0;

  /** Events that are billed, each counted once. */
  get billable(): number {
    return this.#billable;
  }

  /** @param metric of an event that was produced, counted once however often it was sent */
  add(sessionId: string, metric: AgentMetrics): void {
    const entry = entryOf(metric);
    if (entry === undefined) return;
    this.#billable += 1;
    const { model_provider, model_name } = entry.metadata ?? {};
    const key = JSON.stringify([
      sessionId,
      entry.usageType,
      model_provider ?? '',
      model_name ?? '',
    ]);
    const row = this.#rows.get(key) ?? { events: 0, sums: new Map() };
    this.#rows.set(key, row);
    row.events += 1;
    for (const [column, value] of Object.entries(entry.usage)) {
      row.sums.set(column, (row.sums.get(column) ?? 0n) + scaled(String(value)));
    }
  }

  /** Holds what is billed against what must be. */
  async compare(database: Database): Promise<Comparison> {
    const { rows } = await database.query<Record<string, string | number>>(
      'SELECT * FROM session_model_usage',
    );
    const comparison = { rows: this.#rows.size, lost: 0, double: 0, differences: [] as string[] };
    const unseen = new Map(this.#rows);
    for (const row of rows) {
      const { session_id, usage_type, provider, model } = row;
      const key = JSON.stringify([session_id, usage_type, provider, model]);
      const expected = unseen.get(key) ?? { events: 0, sums: new Map() };
      unseen.delete(key);
      const surplus = Number(row['event_count']) - expected.events;
      if (surplus > 0) comparison.double += surplus;
      else comparison.lost -= surplus;
      if (surplus !== 0) comparison.differences.push(`${key}: ${surplus} events too many`);
      for (const column of COLUMNS) {
        const found = scaled(String(row[column]));
        if (found === (expected.sums.get(column) ?? 0n)) continue;
        comparison.differences.push(`${key}: ${column} is ${row[column]}`);
      }
    }
    for (const [key, { events }] of unseen) {
      comparison.lost += events;
      comparison.differences.push(`${key}: no such row`);
    }
    return comparison;
  }
}

export interface Comparison {
  readonly rows: number;
  /** Events that are not in the bill, and events that are in it once too often. */
  readonly lost: number;
  readonly double: number;
  readonly differences: readonly string[];
}

interface ExpectedRow {
  events: number;
  readonly sums: Map<string, bigint>;
}

interface Entry {
  readonly usageType: string;
  readonly metadata: AgentMetricsMetadata;
  readonly usage: Readonly<Record<string, number>>;
}
type AgentMetricsMetadata = { model_name: string | null; model_provider: string | null } | null;

const COLUMNS = [
  'input_tokens',
  'input_cached_tokens',
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
  'input_cache_creation_tokens',
  'output_reasoning_tokens',
  'characters_count',
  'total_requests',
  'session_duration',
  'audio_duration',
];

function entryOf(metric: AgentMetrics): Entry | undefined {
  switch (metric.type) {
    case 'llm_metrics':
      return {
        usageType: 'llm_usage',
        metadata: metric.metadata,
        usage: {
          input_tokens: metric.prompt_tokens,
          input_cached_tokens: metric.prompt_cached_tokens,
          input_cache_creation_tokens: metric.cache_creation_tokens,
          output_tokens: metric.completion_tokens,
          output_reasoning_tokens: metric.reasoning_tokens,
        },
      };
    case 'realtime_model_metrics': {
      const { input_token_details: input, output_token_details: output } = metric;
      const cached = input.cached_tokens_details;
      return {
        usageType: 'llm_usage',
        metadata: metric.metadata,
        usage: {
          input_tokens: metric.input_tokens,
          input_cached_tokens: input.cached_tokens,
          input_audio_tokens: input.audio_tokens,
          input_text_tokens: input.text_tokens,
          input_image_tokens: input.image_tokens,
          input_cached_audio_tokens: cached?.audio_tokens ?? 0,
          input_cached_text_tokens: cached?.text_tokens ?? 0,
          input_cached_image_tokens: cached?.image_tokens ?? 0,
          output_tokens: metric.output_tokens,
          output_audio_tokens: output.audio_tokens,
          output_text_tokens: output.text_tokens,
          output_image_tokens: output.image_tokens,
          session_duration: metric.session_duration,
        },
      };
    }
    case 'tts_metrics': {
      const { input_tokens, output_tokens, characters_count, audio_duration } = metric;
      const usage = { input_tokens, output_tokens, characters_count, audio_duration };
      return { usageType: 'tts_usage', metadata: metric.metadata, usage };
    }
    case 'stt_metrics': {
      const { input_tokens, input_audio_tokens, output_tokens, audio_duration } = metric;
      const usage = { input_tokens, input_audio_tokens, output_tokens, audio_duration };
      return { usageType: 'stt_usage', metadata: metric.metadata, usage };
    }
    case 'interruption_metrics': {
      const usage = { total_requests: metric.num_requests };
      return { usageType: 'interruption_usage', metadata: metric.metadata, usage };
    }
    case 'eot_inference_metrics': {
      const usage = { total_requests: metric.num_requests };
      return { usageType: 'eot_usage', metadata: metric.metadata, usage };
    }
    default:
      return undefined;
  }
}

/** Fractional digits of the sums: more than any double of seconds has. */
const SCALE = 40;

/** A decimal numeral, such as `12.5` or `1e-7`, as a whole number of 10^-40. */
function scaled(numeral: string): bigint {
  const [mantissa = '', exponent = '0'] = numeral.split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const shift = SCALE - fraction.length + Number(exponent);
  if (shift < 0) throw new Error(`${numeral} has too many digits for the reference`);
  return BigInt(whole + fraction) * 10n ** BigInt(shift);
}
