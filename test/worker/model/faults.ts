import { vi } from 'vitest';
import { keyOf, type TopicPartition } from '../../../src/records/topic-partition.ts';
import type { Random } from '../../../src/simulate/random.ts';
import { llm } from '../../identify/samples.ts';
import type { Ending, HeldCall } from '../../support/memory-source/held-calls.ts';
import { encoded } from '../../support/messages.ts';
import type { ModelWorld } from './world.ts';

/** Calls on whose order most depends; of the others fewer are held. */
const IS_WORTH_HOLDING = /: (revoke|assign|apply|fetch)/;
/** A member that the group does not reach is one that is notified late. */
const IS_OF_GROUP = /: (revoke|assign)$/;
/** What is shared out when a member joins is given to it as well. */
const JOIN = /: join$/;
/** The partition of a batch that is applied alone, or those of several. */
const APPLY = /: apply (.*)$/;
const PARTITION = /calls\/\d+/g;
const EVENT = encoded({ session_id: 'call', metric: llm() });
const WAITS_MS = [5, 50, 100, 250, 600, 1_100, 5_000];

/** What happens to the workers, drawn from seeded random numbers. */
export class Faults {
  readonly #world: ModelWorld;
  readonly #random: Random;
  /** One of these happens at each step. */
  readonly #actions: readonly ((where: TopicPartition) => void)[];

  constructor(world: ModelWorld, random: Random) {
    this.#world = world;
    this.#random = random;
    const often = (times: number, action: (where: TopicPartition) => void) =>
      Array.from({ length: times }, () => action);
    this.#actions = [
      ...often(300, () => this.#endCalls()),
      ...often(60, () => this.#pass()),
      ...often(60, (where) => this.#produce(where)),
      // What several partitions have at once may share a transaction.
      ...often(10, () => world.topic.partitions.forEach((where) => void this.#produce(where))),
      ...often(12, (where) => world.topic.begin(where)),
      ...often(20, (where) => world.topic.end(where, random.pick(['committed', 'aborted']))),
      ...often(10, () => this.#assign()),
      ...often(8, (where) => this.#deleteSome(where)),
      ...often(8, () => void world.acceptLosses()),
      ...often(8, () => world.postgres.endOutliving()),
      ...often(2, (where) => this.#setBack(where)),
      ...often(1, () => this.#restart()),
    ];
  }

  /** From now on calls are held. */
  begin(): void {
    const random = this.#random;
    const share = random.pick([0.05, 0.2, 0.5]);
    this.#world.calls.hold(
      (name) => !JOIN.test(name) && random.chance(IS_WORTH_HOLDING.test(name) ? 0.8 : share),
    );
  }

  next(): void {
    const where = this.#random.pick(this.#world.topic.partitions);
    this.#random.pick(this.#actions)(where);
  }

  /** From now on everything works. */
  end(): void {
    const { topic, calls, postgres, trace } = this.#world;
    trace.push('no more faults');
    for (const where of topic.partitions) topic.end(where, 'committed');
    calls.release();
    postgres.endOutliving();
  }

  #endCalls(): void {
    const { held } = this.#world.calls;
    const most = this.#random.integer(1, 4);
    for (let i = 0; i < most && held.length > 0; i += 1) this.#endCall(this.#random.pick(held));
  }

  #endCall(call: HeldCall): void {
    const { postgres, trace } = this.#world;
    const [, batches] = APPLY.exec(call.name) ?? [];
    if (batches !== undefined && this.#random.chance(0.1)) {
      trace.push(`outlives its client: ${call.name}`);
      postgres.outlives(batches.match(PARTITION) ?? [], call.outlive());
      return;
    }
    const isAnswered = IS_OF_GROUP.test(call.name) || this.#random.chance(0.8);
    const how: Ending = isAnswered ? 'answered' : this.#random.pick(['refused', 'answer lost']);
    trace.push(`${how}: ${call.name}`);
    call.end(how);
  }

  #pass(): void {
    const ms = this.#random.pick(WAITS_MS);
    this.#world.trace.push(`${ms} ms pass`);
    vi.advanceTimersByTime(ms);
  }

  #produce(where: TopicPartition): void {
    const { isLarge, hasEvents, topic, trace } = this.#world;
    const count = isLarge ? this.#random.pick([5, 1_500]) : this.#random.integer(1, 9);
    trace.push(`${count} records are sent to ${keyOf(where)}`);
    topic.produce(where, count, hasEvents ? EVENT : null);
  }

  /** Retention, mostly of what has been read. */
  #deleteSome(where: TopicPartition): void {
    const log = this.#world.broker.log(where);
    const { earliest, latest } = log.bounds;
    const position = this.#positionOf(where) ?? earliest;
    // Where all that was not read is gone, the loss shows with the next record, or assignment.
    const unread = Math.max(latest - 1, earliest);
    const most = this.#random.chance(0.7) ? Math.max(position, earliest) : unread;
    const offset = this.#random.integer(earliest, most);
    this.#world.trace.push(`retention deletes ${keyOf(where)} before ${offset}`);
    log.deleteBefore(offset);
  }

  /** The group shares its partitions out again when a member joins. */
  #restart(): void {
    this.#world.restart(this.#random.pick(this.#world.members));
    this.#assign();
  }

  #assign(): void {
    this.#world.assign(() => this.#random.pick(this.#world.members));
  }

  #setBack(where: TopicPartition): void {
    const position = this.#positionOf(where);
    if (position !== undefined) this.#world.setBack(where, this.#random.integer(0, position));
  }

  #positionOf(where: TopicPartition): number | undefined {
    return this.#world.postgres.positions.get(keyOf(where))?.next_offset;
  }
}
