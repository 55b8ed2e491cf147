import type { Difference } from './difference.ts';

/** Why a ledger may differ from an agent's own count; docs/reconciliation.md explains each. */
export const REASONS = {
  dead_letter:
    'a message with the session as its key is a dead letter: usage-ledger dead-letters list --all',
  conflict: 'events of the session conflict: usage-ledger conflicts list --all --session ID',
  not_recorded:
    'the events may have been lost before Kafka: see what the emitter logged as dropped or failed',
  key_terms:
    "key-term detection on the agent's own LLM: the agent counts each of its requests twice",
  adapter_copy: 'Node: the agent counts the requests of a FallbackAdapter once more as its own',
  whole_speech: 'Node: the agent counts a TTS that does not stream by sentence and as a whole',
  unnamed_model: 'Node: the agent counts a realtime model without its name',
  counted_from_zero:
    'the agent counted from zero after a restart, or usage was sent that it did not count',
} as const;

export type Reason = keyof typeof REASONS;

/** What the ledger has of a session that it did not bill. */
export interface SessionFacts {
  readonly hasDeadLetters?: boolean;
  readonly hasConflicts?: boolean;
}

/** A model of a session with its differences; a column that does not differ is not in it. */
interface ModelDifferences {
  readonly usageType: string;
  readonly provider: string;
  readonly model: string;
  readonly columns: Map<string, Difference>;
}

const ADAPTER = /^(?:(?:\w+\.)?FallbackAdapter|unknown)$/;
/** A whole has the characters of its sentences, and those between them. */
const WHOLE = 1.9;

/**
 * The reasons that come into question for each of a session's differences, the likeliest first. They
 * are patterns and no proof.
 *
 * @param differences all of one session
 */
export function reasonsOf(differences: readonly Difference[], facts: SessionFacts): Reason[][] {
  const models = modelsOf(differences);
  return differences.map((difference) => {
    const model = models.get(nameOf(difference)) as ModelDifferences;
    if (isUnnamed(model, [...models.values()])) return ['unnamed_model'];
    if (!difference.difference.startsWith('-')) {
      return facts.hasConflicts ? ['conflict', 'counted_from_zero'] : ['counted_from_zero'];
    }
    if (isAdapterCopy(model)) return ['adapter_copy'];
    const reasons: Reason[] = [];
    if (facts.hasDeadLetters) reasons.push('dead_letter');
    if (facts.hasConflicts) reasons.push('conflict');
    if (isWholeSpeech(model)) reasons.push('whole_speech');
    if (reasons.length === 0) reasons.push('not_recorded');
    if (isAtMostTwice(model)) reasons.push('key_terms');
    return reasons;
  });
}

function modelsOf(differences: readonly Difference[]): Map<string, ModelDifferences> {
  const models = new Map<string, ModelDifferences>();
  for (const difference of differences) {
    const name = nameOf(difference);
    const { usage_type: usageType, provider, model, dimension } = difference;
    const known = models.get(name) ?? { usageType, provider, model, columns: new Map() };
    known.columns.set(dimension, difference);
    models.set(name, known);
  }
  return models;
}

function nameOf({ usage_type, provider, model }: Difference): string {
  return JSON.stringify([usage_type, provider, model]);
}

function everyColumn(
  { columns }: ModelDifferences,
  holds: (difference: Difference) => boolean,
): boolean {
  return [...columns.values()].every(holds);
}

const isOnlyReported = (model: ModelDifferences) =>
  everyColumn(model, ({ recorded }) => Number(recorded) === 0);
const isOnlyRecorded = (model: ModelDifferences) =>
  everyColumn(model, ({ reported }) => Number(reported) === 0);

function isAdapterCopy(model: ModelDifferences): boolean {
  return ADAPTER.test(model.model) && isOnlyReported(model);
}

/** Whether a model is one side of two: without a name in the report, and with it in the ledger. */
function isUnnamed(model: ModelDifferences, all: readonly ModelDifferences[]): boolean {
  return all.some((other) => isUnnamedOf(model, other) || isUnnamedOf(other, model));
}

function isUnnamedOf(agent: ModelDifferences, ledger: ModelDifferences): boolean {
  if (agent.usageType !== 'llm_usage' || ledger.usageType !== 'llm_usage') return false;
  if (agent.provider !== '' && agent.model !== '') return false;
  if (!isOnlyReported(agent) || !isOnlyRecorded(ledger)) return false;
  if (agent.columns.size !== ledger.columns.size) return false;
  return everyColumn(agent, ({ dimension, reported }) => {
    const recorded = ledger.columns.get(dimension)?.recorded;
    return recorded !== undefined && Number(recorded) === Number(reported);
  });
}

function isWholeSpeech({ usageType, columns }: ModelDifferences): boolean {
  const characters = columns.get('characters_count');
  if (usageType !== 'tts_usage' || characters === undefined) return false;
  const [reported, recorded] = [Number(characters.reported), Number(characters.recorded)];
  return recorded > 0 && reported >= WHOLE * recorded;
}

function isAtMostTwice(model: ModelDifferences): boolean {
  if (model.usageType !== 'llm_usage') return false;
  return everyColumn(model, ({ reported, recorded }) => {
    const [agent, ledger] = [Number(reported), Number(recorded)];
    return agent > ledger && agent <= 2 * ledger;
  });
}
