import type { EventInput } from '../../src/produce/encoder.ts';
import { Random } from '../../src/simulate/random.ts';
import { eot, interruption, llm, realtime, stt, tts } from '../identify/samples.ts';

/** Noon before the month in which prices change. */
const START_S = Date.UTC(2026, 8, 30, 12) / 1_000;
const DAY_S = 86_400;
const PROVIDERS = ['openai', 'OpenAI', '', 'a_b%c'];
const MODELS = [
  'gpt-4o',
  'gpt-4o-mini',
  'gpt-4o-mini-2',
  'GPT-4o',
  'm*',
  'x_y',
  'xzy',
  '',
  'unknown',
];

/** The events of the nth call, a few; many last over midnight, and their token counts do not add up. */
export function randomCall(seed: number, n: number): EventInput[] {
  const random = new Random(seed, n);
  const begin = START_S + random.integer(0, 6 * DAY_S);
  const length = random.chance(0.2) ? random.integer(0, 3 * DAY_S) : random.integer(0, 600);
  const metadata = {
    model_provider: random.pick(PROVIDERS),
    model_name: random.pick(MODELS),
  };
  const account = random.chance(0.1) ? null : `account ${random.integer(1, 20)}`;
  return Array.from({ length: random.integer(1, 9) }, () => ({
    session_id: `call-${n}`,
    account_id: account,
    metric: {
      ...randomMetric(random),
      timestamp: begin + random.integer(0, length * 1_000) / 1_000,
      metadata: random.chance(0.8) ? metadata : { ...metadata, model_name: random.pick(MODELS) },
    },
  }));
}

function randomMetric(random: Random): EventInput['metric'] {
  const count = () => (random.chance(0.4) ? 0 : random.integer(0, 1_000));
  const seconds = () => (random.chance(0.3) ? 0 : random.between(0, 30));
  switch (random.integer(0, 6)) {
    case 0:
      return stt({
        request_id: random.hex(24),
        audio_duration: seconds(),
        input_tokens: count(),
        input_audio_tokens: count(),
        output_tokens: count(),
      });
    case 1:
      return tts({
        request_id: random.hex(24),
        segment_id: random.hex(8),
        audio_duration: seconds(),
        characters_count: count(),
        input_tokens: count(),
        output_tokens: count(),
      });
    case 2:
      return random.chance(0.5)
        ? eot({ num_requests: random.integer(0, 9), total_duration: random.unit() })
        : interruption({ num_requests: random.integer(0, 9), total_duration: random.unit() });
    case 3:
    case 4:
      return realtime({
        request_id: random.hex(24),
        session_duration: seconds(),
        input_tokens: count(),
        output_tokens: count(),
        input_token_details: {
          audio_tokens: count(),
          text_tokens: count(),
          image_tokens: count(),
          cached_tokens: count(),
          cached_tokens_details: random.chance(0.5)
            ? { audio_tokens: count(), text_tokens: count(), image_tokens: count() }
            : null,
        },
        output_token_details: {
          audio_tokens: count(),
          text_tokens: count(),
          image_tokens: count(),
        },
      });
    default:
      return llm({
        request_id: random.hex(24),
        prompt_tokens: count(),
        prompt_cached_tokens: count(),
        cache_creation_tokens: count(),
        completion_tokens: count(),
        reasoning_tokens: count(),
      });
  }
}

/** A row of model_price, in the order of its columns. */
export type PriceRow = readonly [
  usageType: string,
  provider: string,
  model: string,
  dimension: string,
  unitPrice: string,
  per: string,
  currency: string,
  validFrom: string,
  validTo: string | null,
];

const PATTERNS = ['*', 'gpt*', 'gpt-4o*', 'gpt-4o-mini*', '*mini*', '*mini-*', 'x_*', 'm*', '*o'];
const DIMENSIONS: Readonly<Record<string, readonly string[]>> = {
  llm_usage: [
    'input_tokens',
    'input_cached_tokens',
    'input_cache_creation_tokens',
    'input_audio_tokens',
    'input_cached_audio_tokens',
    'input_text_tokens',
    'output_tokens',
    'output_audio_tokens',
    'output_reasoning_tokens',
    'session_duration',
  ],
  stt_usage: ['audio_duration', 'input_tokens', 'input_audio_tokens'],
  tts_usage: ['characters_count', 'audio_duration', 'output_tokens'],
  interruption_usage: ['total_requests'],
  eot_usage: ['total_requests'],
};

/** Prices of patterns and models, that change within calls, in two currencies, with gaps. */
export function randomPrices(seed: number): PriceRow[] {
  const random = new Random(seed, 0);
  const rows: PriceRow[] = [];
  for (const [usageType, dimensions] of Object.entries(DIMENSIONS)) {
    for (const provider of PROVIDERS) {
      for (const dimension of dimensions) {
        for (const model of [...PATTERNS, ...MODELS.filter((name) => !PATTERNS.includes(name))]) {
          if (random.chance(0.75)) continue;
          const currency = random.chance(0.8) ? 'USD' : 'EUR';
          const key = [usageType, provider, model, dimension] as const;
          rows.push(...pricesInTime(random, key, currency));
        }
      }
    }
  }
  return rows;
}

function pricesInTime(
  random: Random,
  key: readonly [string, string, string, string],
  currency: string,
): PriceRow[] {
  const price = () => String(random.integer(0, 100_000) / 1_000);
  const per = random.pick(['1000000', '1000', '60', '1', '7.5']);
  const change = new Date((START_S + random.integer(0, 20) * DAY_S * 0.35) * 1_000).toISOString();
  const first = '2026-01-01T00:00:00Z';
  if (random.chance(0.4)) return [[...key, price(), per, currency, first, null]];
  const later: PriceRow = [...key, price(), per, currency, change, null];
  return random.chance(0.5) ? [later] : [[...key, price(), per, currency, first, change], later];
}
