import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { cpuSecondsOf } from './postgres-cpu.ts';

const POLL_MS = 4;

/**
 * How long events take from their acknowledgement until the group's position in Postgres has passed
 * them. It is polled on a connection of its own, whose transactions and processor time are counted, so
 * that they can be left out of what the worker costs.
 */
export class Visibility {
  readonly #client: pg.Client;
  readonly #groupId: string;
  readonly #open = new Map<number, { offset: number; acknowledged: number }[]>();
  readonly #samples: number[] = [];
  #polls = 0;
  #backend = 0;
  #isStopped = false;
  #polling: Promise<void> = Promise.resolve();

  constructor(databaseUrl: string, groupId: string) {
    this.#groupId = groupId;
    this.#client = new pg.Client({ connectionString: databaseUrl });
    // It fails the next poll as well, which says so.
    this.#client.on('error', () => {});
  }

  async start(): Promise<void> {
    await this.#client.connect();
    const { rows } = await this.#client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    this.#backend = rows[0]?.pid ?? 0;
    this.#polling = this.#poll();
  }

  /** Notes an event that the broker has acknowledged. */
  acknowledged(partition: number, offset: number): void {
    const open = this.#open.get(partition) ?? [];
    this.#open.set(partition, open);
    open.push({ offset, acknowledged: performance.now() });
  }

  /** Settles when all that was acknowledged is visible. */
  async settled(): Promise<void> {
    while ([...this.#open.values()].some((open) => open.length > 0)) await delay(POLL_MS);
  }

  /** What watching has cost so far. */
  get cost() {
    return { transactions: this.#polls, cpuSeconds: cpuSecondsOf(this.#backend) };
  }

  /** Forgets what was measured so far: of a worker that has just started. */
  reset(): void {
    this.#samples.length = 0;
  }

  /** In milliseconds. */
  percentiles() {
    const sorted = this.#samples.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
    return { p50: at(0.5), p99: at(0.99), max: at(1) };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#polling;
    await this.#client.end();
  }

  async #poll(): Promise<void> {
    while (!this.#isStopped) {
      const { rows } = await this.#client.query<{ partition: number; next_offset: string }>({
        name: 'positions',
        text: `SELECT partition, next_offset FROM usage_ledger.consumer_position
          WHERE group_id = $1`,
        values: [this.#groupId],
      });
      this.#polls += 1;
      const now = performance.now();
      for (const { partition, next_offset } of rows) {
        const open = this.#open.get(partition) ?? [];
        // An answer to the producer may come after the worker has applied the event.
        while (open[0] !== undefined && open[0].offset < Number(next_offset)) {
          this.#samples.push(now - (open.shift()?.acknowledged ?? now));
        }
      }
      await delay(POLL_MS);
    }
  }
}
