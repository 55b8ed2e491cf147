import type { Registry } from 'prom-client';
import type { CommittedBatch } from '../../ledger/committed-batch.ts';
import { billedCountOf, type MeasuredType } from '../../livekit/measured-fields.ts';
import type { BillableMessage, MeasuredValues } from '../../records/message.ts';
import { FastHistogram } from './fast-histogram.ts';
import { ModelLabels } from './model-labels.ts';
import { RecentTurns } from './recent-turns.ts';

/** Where the measured values of a billed metric begin. */
const FROM: Readonly<Partial<Record<BillableMessage['metricType'], number>>> = {
  llm_metrics: billedCountOf('llm_metrics'),
  realtime_model_metrics: billedCountOf('realtime_model_metrics'),
  tts_metrics: billedCountOf('tts_metrics'),
};
const END_OF_TURN: MeasuredType = 'eou_metrics';

/**
 * What events measure of their calls, and how long they take to be billed. Only messages that are
 * applied are observed: a duplicate has been. The end of a turn is not billed, and so has no identity: it
 * is observed unless its offset was read in an earlier pass, or it was seen a short while ago.
 */
export class CallMetrics {
  readonly #models: ModelLabels;
  readonly #firstToken: FastHistogram;
  readonly #firstByte: FastHistogram;
  readonly #tokensPerSecond: FastHistogram;
  readonly #endOfUtterance: FastHistogram;
  readonly #transcription: FastHistogram;
  readonly #toBillable: FastHistogram;
  readonly #turns = new RecentTurns();

  constructor(registry: Registry, models = new ModelLabels()) {
    this.#models = models;
    const labelsOf = (place: number) => {
      const { provider = '', model = '' } = models.labels[place] ?? {};
      return { provider, model };
    };
    this.#firstToken = new FastHistogram(registry, 'time_to_first_token_seconds', labelsOf);
    this.#firstByte = new FastHistogram(registry, 'time_to_first_byte_seconds', labelsOf);
    this.#tokensPerSecond = new FastHistogram(registry, 'tokens_per_second', labelsOf);
    this.#endOfUtterance = new FastHistogram(registry, 'end_of_utterance_delay_seconds');
    this.#transcription = new FastHistogram(registry, 'transcription_delay_seconds');
    this.#toBillable = new FastHistogram(registry, 'event_to_billable_seconds');
  }

  /** @param now in milliseconds since 1970 */
  committed({ batch, sessions }: CommittedBatch, now = Date.now()): void {
    for (const { outcomes } of sessions) {
      if (outcomes === undefined) continue;
      for (const message of outcomes.fresh) {
        this.#applied(message);
        this.#toBillable.observe(0, Math.max(now / 1e3 - message.eventUs / 1e6, 0));
      }
    }
    const { seenBefore = 0, nextOffset } = batch;
    if (nextOffset <= seenBefore) return;
    for (const message of batch.messages) {
      if (message.kind !== 'ignored' || message.offset < seenBefore) continue;
      const { measured, session } = message;
      if (measured?.metricType !== END_OF_TURN || session === undefined) continue;
      if (this.#turns.isNew(session)) this.#endOfTurn(measured);
    }
  }

  #applied({ metricType, provider, model, values, valuesFrom }: BillableMessage): void {
    const from = FROM[metricType];
    if (from === undefined) return;
    const first = values[valuesFrom + from] as number;
    const { place } = this.#models.of(provider, model);
    if (metricType === 'tts_metrics') {
      if (isDelay(first)) this.#firstByte.observe(place, first);
      return;
    }
    if (isDelay(first)) this.#firstToken.observe(place, first);
    const rate = values[valuesFrom + from + 1] as number;
    if (isSeen(rate)) this.#tokensPerSecond.observe(place, rate);
  }

  #endOfTurn({ values, valuesFrom }: MeasuredValues): void {
    const endOfUtterance = values[valuesFrom] as number;
    const transcription = values[valuesFrom + 1] as number;
    if (isSeen(endOfUtterance)) this.#endOfUtterance.observe(0, endOfUtterance);
    if (isSeen(transcription)) this.#transcription.observe(0, transcription);
  }
}

/** -1 stands for none; these values are not validated, and may be anything. */
function isDelay(seconds: number): boolean {
  return seconds >= 0 && seconds < Number.POSITIVE_INFINITY;
}

/** 0 stands for none. */
function isSeen(value: number): boolean {
  return value > 0 && value < Number.POSITIVE_INFINITY;
}
