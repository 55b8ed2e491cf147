/** Makes the request of an API, as far as is looked at. */
type MakeRequest = (fields: { readonly memberId: string }) => unknown;
interface Coordinator {
  lookupRequest(api: number, definition: unknown): MakeRequest;
  leaveGroup(member: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
  readonly connectionPool: { readonly pool: unknown[] };
}

/** A member of a group, as far as it is replaced. */
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

/** How each of the members that are just joining can leave. */
const joining = new Set<() => Promise<unknown>>();

/** Has the members of this thread that wait in a join leave their groups. */
export async function leaveWhileJoining(): Promise<void> {
  await Promise.all([...joining].map((leave) => leave()));
}

/**
 * Replaces what is a member of a group: one that was to join anew and could not, tries again before it
 * fetches. kafkajs fetches on after some errors of joining, as when the coordinator has only just
 * begun and loads its groups. Its membership of before may still be good then: nothing tells the
 * worker, which waits for its partitions, to go on. Or the coordinator has forgotten the member, which
 * then fetches on without a heartbeat, beside those that have its partitions now.
 *
 * And it can leave in the midst of joining, which kafkajs waits out: the coordinator would count on a
 * member that ends meanwhile, and hold up all others until its session ends.
 */
export function joinedBeforeFetching(Group: GroupClass): GroupClass {
  return class extends Group {
    #hasJoined = true;
    #joining: Promise<void> | undefined;
    #coordinator: Coordinator | undefined;
    #watchedLookup: Coordinator['lookupRequest'] | undefined;
    /** Under which id it asked last to be taken in. */
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
      // A broker answers one request of a connection after the other: the one that joins is taken.
      this.#coordinator.connectionPool.pool.reverse();
      const { groupId } = this;
      await this.#coordinator.leaveGroup({ groupId, memberId: this.#memberId });
    }

    /** Notes the ids under which it joins: kafkajs keeps the first one to itself until it is taken in. */
    #watched(coordinator: Coordinator): Coordinator {
      this.#coordinator = coordinator;
      // It is another one after each time that the broker was connected to.
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
