import { CheckFailedError } from '../../../src/errors.ts';
import { acceptLoss } from '../../../src/ledger/accept-loss.ts';
import { keyOf, type TopicPartition } from '../../../src/records/topic-partition.ts';
import type { Random } from '../../../src/simulate/random.ts';
import { HeldCalls } from '../../support/memory-source/held-calls.ts';
import { MemoryBroker } from '../../support/memory-source/memory-broker.ts';
import { type Limits, ModelMember } from './member.ts';
import { ModelPostgres } from './postgres.ts';
import { ModelTopic } from './topic.ts';

const PARTITIONS = 3;

/** Two workers of one group, a broker and a database, and a person who decides. */
export class ModelWorld {
  readonly calls = new HeldCalls((name) => new Error(`Connection terminated: ${name}`));
  readonly broker = new MemoryBroker();
  readonly postgres: ModelPostgres;
  readonly topic: ModelTopic;
  readonly members: ModelMember[] = [];
  /** Batches are then of hundreds of records, and the next one is prepared early. */
  readonly isLarge: boolean;
  /** Tombstones otherwise, which need no schema. */
  readonly hasEvents: boolean;
  readonly violations: string[] = [];
  /** What was done, for the message of a violation. */
  readonly trace: string[] = [];
  readonly #limits: Limits;
  #stopping: Promise<unknown> = Promise.resolve();

  constructor(random: Random, hasFence: boolean) {
    this.isLarge = random.chance(0.05);
    this.hasEvents = !this.isLarge && random.chance(0.3);
    this.#limits = {
      concurrentBatches: random.integer(1, 2),
      maxEvents: this.isLarge ? 400 : random.integer(1, 8),
      lingerMs: random.pick([0, 100]),
      bufferBytes: random.pick([15_000, 10_000_000]),
      maxFetch: this.isLarge ? 3_000 : random.integer(1, 12),
    };
    this.postgres = new ModelPostgres(hasFence);
    this.topic = new ModelTopic(this.broker, 'calls', PARTITIONS);
    this.broker.group('group').isAssignedByCommand = true;
    for (const name of ['A', 'B']) this.#join(name);
  }

  /** The group shares its partitions out; members are notified when those calls are ended. */
  assign(pick: () => ModelMember | undefined): void {
    const shares = new Map(this.members.map(({ source }) => [source, [] as TopicPartition[]]));
    for (const where of this.topic.partitions) {
      const member = pick();
      if (member === undefined) continue;
      this.trace.push(`${keyOf(where)} is given to ${member.name}`);
      shares.get(member.source)?.push(where);
    }
    this.broker.group('group').assign(shares);
  }

  /** The worker drains, and another one takes its place in the group. */
  restart(member: ModelMember): void {
    this.trace.push(`${member.name} is restarted`);
    this.members.splice(this.members.indexOf(member), 1);
    this.#stopping = Promise.all([this.#stopping, member.stop()]);
    this.#join(member.name);
  }

  /** Settles when every worker has stopped. */
  async stop(): Promise<void> {
    await Promise.all([this.#stopping, ...this.members.map((member) => member.stop())]);
  }

  /** What a person does with Kafka's own tool. */
  setBack(where: TopicPartition, nextOffset: number): void {
    this.trace.push(`the group is set back to ${nextOffset} in ${keyOf(where)}`);
    this.broker.group('group').committed.set(keyOf(where), { nextOffset, metadata: '' });
  }

  /** A person accepts the loss of every partition that is halted. */
  async acceptLosses(): Promise<void> {
    const database = this.postgres.client('person', new HeldCalls());
    const all = this.members.flatMap(({ worker }) => worker.status());
    for (const { topic, partition } of all.filter(({ state }) => state === 'halted')) {
      const where = { groupId: 'group', topic, partition };
      const view = { ...this.broker.log(where).bounds, topicId: this.broker.topic(topic).id };
      try {
        this.trace.push(await acceptLoss(database, where, view));
      } catch (error) {
        if (!(error instanceof CheckFailedError)) throw error;
      }
    }
  }

  #join(name: string): void {
    const violated = (what: string) => this.violations.push(what);
    const member = new ModelMember(name, { ...this.#surroundings(), violated }, this.#limits);
    this.members.push(member);
    member.worker.start().catch((error) => violated(`${name} does not start: ${error}`));
  }

  #surroundings() {
    const { broker, postgres, topic, calls } = this;
    return { broker, postgres, topic, calls };
  }
}
