/*
 * kafkajs: a member that should join again and cannot, as when the coordinator has only just started and
 * loads its groups, may keep fetching. A member that should leave while it joins waits for the join.
 * Not good enough: if its old membership is still valid, nothing lets the worker, which waits for its
 * partitions, resume. If the coordinator has forgotten it, it fetches without heartbeats, concurrently
 * with those that own its partitions now. And when a process ends that is still joining, the coordinator
 * counts on that member and holds up all others until its session ends.
 * Replaced: `consumerGroup.js`, by a subclass that joins before it fetches, and that can leave while it
 * joins.
 */
import type { Patch } from './patch.ts';

/** Makes a request of the API that was looked up. */
type MakeRequest = (fields: { readonly memberId: string }) => unknown;
interface Coordinator {
  lookupRequest(api: number, definition: unknown): MakeRequest;
  leaveGroup(member: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
  readonly connectionPool: { readonly pool: unknown[] };
}

/** kafkajs's `ConsumerGroup`, as far as it is used here. */
export type GroupClass = new (
  ...args: never[]
) => {
  readonly groupId: string;
  readonly cluster: { findGroupCoordinator(group: object): Promise<Coordinator> };
  joinAndSync(): Promise<void>;
  fetch(nodeId: number): Promise<unknown>;
};

/** Source: Kafka protocol, API keys. */
const JOIN_GROUP = 11;

/** How each member that is joining can leave. */
const joining = new Set<() => Promise<unknown>>();

/** Lets the members of this thread that wait in a join leave their groups. */
export async function leaveWhileJoining(): Promise<void> {
  await Promise.all([...joining].map((leave) => leave()));
}

export function joinedBeforeFetching(Group: GroupClass): GroupClass {
  return class extends Group {
    #hasJoined = true;
    #joining: Promise<void> | undefined;
    #coordinator: Coordinator | undefined;
    #watchedLookup: Coordinator['lookupRequest'] | undefined;
    /** The id of its last request to join. */
    #memberId = '';
    #hasLeft = false;

    constructor(...args: never[]) {
      super(...args);
      const { cluster } = this;
      const find = cluster.findGroupCoordinator.bind(cluster);
      cluster.findGroupCoordinator = async (group) => this.#watched(await find(group));
    }

    override joinAndSync(): Promise<void> {
      this.#joining ??= this.#join().finally(() => {
        this.#joining = undefined;
      });
      return this.#joining;
    }

    override async fetch(nodeId: number): Promise<unknown> {
      if (!this.#hasJoined) await this.joinAndSync();
      return super.fetch(nodeId);
    }

    async #join(): Promise<void> {
      const leave = () => this.#leave();
      joining.add(leave);
      this.#hasJoined = false;
      try {
        await super.joinAndSync();
      } finally {
        joining.delete(leave);
      }
      this.#hasJoined = true;
    }

    async #leave(): Promise<void> {
      this.#hasLeft = true;
      if (this.#coordinator === undefined || this.#memberId === '') return;
      // A broker answers the requests of a connection one by one, and that of the join is occupied.
      this.#coordinator.connectionPool.pool.reverse();
      const { groupId } = this;
      await this.#coordinator.leaveGroup({ groupId, memberId: this.#memberId });
    }

    /** Notes the ids of its requests to join: kafkajs does not expose the first one until it has joined. */
    #watched(coordinator: Coordinator): Coordinator {
      this.#coordinator = coordinator;
      // A broker gets another one each time that it is connected to.
      if (this.#watchedLookup === coordinator.lookupRequest) return coordinator;
      const lookup = coordinator.lookupRequest.bind(coordinator);
      this.#watchedLookup = (api, definition) => {
        const make = lookup(api, definition);
        if (api !== JOIN_GROUP) return make;
        return (fields) => {
          if (this.#hasLeft) throw new Error('the member has left the group');
          this.#memberId = fields.memberId;
          return make(fields);
        };
      };
      coordinator.lookupRequest = this.#watchedLookup;
      return coordinator;
    }
  };
}

export const consumerGroup: Patch<GroupClass> = {
  file: 'consumer/consumerGroup.js',
  replace: joinedBeforeFetching,
};
