import type { MetricList } from './metric-spec.ts';

const MODEL = ['provider', 'model'] as const;
const DELAYS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30] as const;

/** Of the calls: of events that are new to the ledger, and of turns when they are first read. */
export const CALL_METRICS = {
  time_to_first_token_seconds: {
    type: 'histogram',
    help: 'Time to first token of LLM and realtime responses; -1, none, is left out',
    labels: MODEL,
    buckets: DELAYS,
  },
  time_to_first_byte_seconds: {
    type: 'histogram',
    help: 'Time to first byte of audio of speech synthesis; -1, none, is left out',
    labels: MODEL,
    buckets: DELAYS,
  },
  tokens_per_second: {
    type: 'histogram',
    help: 'Output rate of LLM and realtime responses; responses without a rate are left out',
    labels: MODEL,
    buckets: [5, 10, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1_000],
  },
  end_of_utterance_delay_seconds: {
    type: 'histogram',
    help: 'End of speech to the decision that the turn has ended; 0, not seen, is left out',
    labels: [],
    buckets: DELAYS,
  },
  transcription_delay_seconds: {
    type: 'histogram',
    help: 'End of speech to its transcript; 0, not seen, is left out',
    labels: [],
    buckets: DELAYS,
  },
} as const satisfies MetricList;
