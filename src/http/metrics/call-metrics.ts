import type { Registry } from 'prom-client';
import type { CommittedBatch } from '../../ledger/committed-batch.ts';
import { billedCountOf, type MeasuredType } from '../../livekit/measured-fields.ts';
import type { BillableMessage, MeasuredValues, Message } from '../../records/message.ts';
import { FastHistogram } from './fast-histogram.ts';
import { ModelLabels } from './model-labels.ts';
import { RecentTurns } from './recent-turns.ts';

/** Where the measured values of a billed metric begin. */
const LLM = billedCountOf('llm_metrics');
const REALTIME = billedCountOf('realtime_model_metrics');
const TTS = billedCountOf('tts_metrics');
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
      if (outcomes !== undefined) this.#allApplied(outcomes.fresh, now / 1e3);
    }
    const { messages, seenBefore = 0, nextOffset } = batch;
    if (nextOffset > seenBefore) this.#ignored(messages, seenBefore);
  }

  #allApplied(messages: readonly BillableMessage[], nowSeconds: number): void {
    for (const message of messages) {
      this.#applied(message);
      this.#toBillable.observe(0, Math.max(nowSeconds - message.eventUs / 1e6, 0));
    }
  }

  #ignored(messages: readonly Message[], seenBefore: number): void {
    for (const message of messages) {
      if (message.kind !== 'ignored' || message.offset < seenBefore) continue;
      const { measured, session } = message;
      if (measured?.metricType !== END_OF_TURN || session === undefined) continue;
      if (this.#turns.isNew(session)) this.#endOfTurn(measured);
    }
  }

  #applied(message: BillableMessage): void {
    // The type first: of most messages, nothing else is read.
    switch (message.metricType) {
      case 'llm_metrics':
        this.#response(message, LLM);
        return;
      case 'realtime_model_metrics':
        this.#response(message, REALTIME);
        return;
      case 'tts_metrics': {
        const seconds = message.values[message.valuesFrom + TTS] as number;
        if (!isDelay(seconds)) return;
        const { place } = this.#models.of(message.provider, message.model);
        this.#firstByte.observe(place, seconds);
      }
    }
  }

  /** @param from where the measured values begin, after the billed ones */
  #response({ values, valuesFrom, provider, model }: BillableMessage, from: number): void {
    const seconds = values[valuesFrom + from] as number;
    const rate = values[valuesFrom + from + 1] as number;
    const { place } = this.#models.of(provider, model);
    if (isDelay(seconds)) this.#firstToken.observe(place, seconds);
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
