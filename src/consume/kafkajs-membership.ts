/** A member of a group, as far as it is replaced. */
export type GroupClass = new (
  ...args: never[]
) => {
  joinAndSync(): Promise<void>;
  fetch(nodeId: number): Promise<unknown>;
};

/**
 * Replaces what is a member of a group: one that was to join anew and could not, tries again before it
 * fetches. kafkajs fetches on after some errors of joining, as when the coordinator has only just
 * begun and loads its groups. Its membership of before may still be good then: nothing tells the
 * worker, which waits for its partitions, to go on. Or the coordinator has forgotten the member, which
 * then fetches on without a heartbeat, beside those that have its partitions now.
 */
export function joinedBeforeFetching(Group: GroupClass): GroupClass {
  return class extends Group {
    #hasJoined = true;
    #joining: Promise<void> | undefined;

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
      this.#hasJoined = false;
      await super.joinAndSync();
      this.#hasJoined = true;
    }
  };
}
