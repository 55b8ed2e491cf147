import type { ProducedMessage } from '../../src/produce/event-producer.ts';
import { simulateEvents } from '../../src/simulate/simulate-events.ts';
import { breaks, calls, differencesFromPython, shuffled, type World } from '../support/world.ts';
import { Mutator } from './mutator.ts';

export interface PoisonResult {
  readonly poison: number;
  readonly neighbours: number;
  /** What became of all of them. */
  readonly counts: Readonly<Record<string, number>>;
  readonly reasons: Readonly<Record<string, number>>;
  /** What is wrong; empty when every message has its outcome and the neighbours their totals. */
  readonly problems: readonly string[];
}

const VALID = 2_000;
/** One send to a partition is one batch, which brokers take up to a megabyte. */
const SEND_BYTES = 400_000;

/** Sends malformed messages among the recorded calls, runs a worker over them, and looks at both. */
export async function poison(world: World, count: number, seed: number): Promise<PoisonResult> {
  const good = await world.encode(calls.events);
  const mutator = new Mutator(await valuesToCorrupt(world, seed), seed);
  const malformed = (function* () {
    for (let i = 0; i < count; i += 1) yield { key: `key-${i % 97}`, value: mutator.next() };
  })();
  const neighbours = shuffled(good, seed)[Symbol.iterator]();
  const every = Math.max(1, Math.floor(count / good.length));
  let i = 0;
  let chunk: ProducedMessage[] = [];
  let bytes = 0;
  const add = async (message: ProducedMessage) => {
    const more = (message.value?.length ?? 0) + 100;
    if (chunk.length > 0 && bytes + more > SEND_BYTES) {
      await world.send(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(message);
    bytes += more;
  };
  for (const message of malformed) {
    await add(message);
    i += 1;
    const neighbour = i % every === 0 ? neighbours.next().value : undefined;
    if (neighbour !== undefined) await add(neighbour);
  }
  for (const neighbour of neighbours) await add(neighbour);
  await world.send(chunk);

  const { counts, halted } = await world.run({ env: { DEAD_LETTER_LIMIT: '1' } });
  const { rows } = await world.database.query<{ reason: string; n: number }>(
    'SELECT reason, count(*)::int AS n FROM dead_letter GROUP BY reason',
  );
  const total = Object.values(counts).reduce((sum, n) => sum + n);
  // Rows of sessions that a malformed message made are not among the recorded ones.
  const wrong = (await differencesFromPython(world.database)).filter(
    (difference) => !difference.endsWith('a row too many'),
  );
  return {
    poison: count,
    neighbours: good.length,
    counts: { ...counts },
    reasons: Object.fromEntries(rows.map(({ reason, n }) => [reason, n])),
    problems: [
      ...(total === count + good.length ? [] : [`${total} messages have an outcome`]),
      ...halted.map(({ detail }) => `halted: ${detail}`),
      ...wrong,
      ...(await breaks(world.database)).map((each) => JSON.stringify(each)),
    ],
  };
}

/** Of sessions that are none of the recorded ones. */
async function valuesToCorrupt(world: World, seed: number): Promise<Buffer[]> {
  const values: Buffer[] = [];
  for (const event of simulateEvents({ sessions: 1_000, seed })) {
    const attributes = { plan: 'pro', region: 'eu' };
    const [message] = await world.encode([{ ...event, attributes }]);
    if (message?.value) values.push(message.value);
    if (values.length === VALID) break;
  }
  return values;
}
