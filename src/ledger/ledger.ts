import { messageOf } from '../errors.ts';
import { numberArray, textArray } from './array-literal.ts';
import { type Connection, type Database, inTransaction } from './database.ts';
import { IdentitySet } from './identity-set.ts';
import type { Batch, BillableMessage, Message, OutcomeCounts, RefusedMessage } from './message.ts';
import { pagesOf } from './page-writer.ts';
import { keepConflicts, keepDeadLetters } from './refusals.ts';
import { SessionCache, type SessionState } from './session-cache.ts';
import { mayChange, type SessionWork, sessionsOf, settle } from './session-work.ts';
import { SourceIds } from './source-ids.ts';
import { isRejected } from './sql-errors.ts';
import { insertPages } from './statements/pages.ts';
import { keepBooks, lockPosition, type PositionRow } from './statements/positions.ts';
import { loadSessions, touchSessions } from './statements/sessions.ts';
import { addUsage } from './statements/usage.ts';
import { usageOf } from './usage-delta.ts';

/** Offsets that one row of the books may span: a trickle extends it in place. */
const MAX_RANGE = 100_000;

/** What became of a batch. */
export type ApplyResult =
  | {
      readonly status: 'applied';
      readonly counts: OutcomeCounts;
      /** Sessions for which the batch named another account than the one they have. */
      readonly otherAccounts: number;
      readonly refused: readonly RefusedMessage[];
    }
  /** The group stands elsewhere: nothing was written. `undefined`: it has no position. */
  | {
      readonly status: 'moved';
      readonly position: { nextOffset: number; pass: number } | undefined;
    };

export interface LedgerOptions {
  /** Bytes of memory for what is known of live sessions. */
  readonly cacheBytes: number;
  /** Called with a batch's dead letters before its position moves; throws to stop that. */
  readonly beforeDeadLetters?: (batch: Batch, letters: readonly RefusedMessage[]) => Promise<void>;
}

/**
 * The itemised ledger and all that is derived from it. One instance serves all partitions of a
 * worker; any number of workers may write to the same ledger.
 */
export class Ledger {
  readonly #database: Database;
  readonly #options: LedgerOptions;
  readonly #sessions: SessionCache;
  readonly #sources: SourceIds;

  constructor(database: Database, options: LedgerOptions) {
    this.#database = database;
    this.#options = options;
    this.#sessions = new SessionCache(options.cacheBytes);
    this.#sources = new SourceIds(database);
  }

  /**
   * Books a batch: all of it, with the books and the group's position, or nothing.
   *
   * What Postgres itself refuses is found by halving the batch until it stands alone, and becomes a
   * dead letter; the halves are then booked one after the other.
   *
   * @throws when the database cannot be reached, is overloaded or is broken. Whether a commit that
   *   threw took place is told by the next call: it then answers `moved`.
   */
  async apply(batch: Batch): Promise<ApplyResult> {
    try {
      return await this.#applyWhole(batch);
    } catch (error) {
      if (!isRejected(error) || batch.messages.length === 0) throw error;
      const [only, ...more] = batch.messages;
      if (more.length > 0) return this.#applyHalves(batch);
      if (only === undefined || only.kind === 'dead_letter') throw error;
      return this.#applyWhole({ ...batch, messages: [rejected(only, error)] });
    }
  }

  async #applyHalves(batch: Batch): Promise<ApplyResult> {
    const middle = batch.messages.length >> 1;
    const right = batch.messages.slice(middle);
    const border = right[0]?.record.offset ?? batch.nextOffset;
    const left = batch.messages.slice(0, middle);
    const first = await this.apply({ ...batch, nextOffset: border, messages: left });
    if (first.status === 'moved') return first;
    const second = await this.apply({ ...batch, fromOffset: border, messages: right });
    if (second.status === 'moved') return second;
    return {
      status: 'applied',
      counts: added(first.counts, second.counts),
      otherAccounts: first.otherAccounts + second.otherAccounts,
      refused: [...first.refused, ...second.refused],
    };
  }

  /**
   * The durable steps of a batch. A crash before COMMIT leaves nothing behind; a crash after it
   * leaves everything, and the next reader of the position begins behind the batch.
   */
  async #applyWhole(batch: Batch): Promise<ApplyResult> {
    const sessions = sessionsOf(batch);
    const works = [...sessions.values()];
    const counts = refusalsAndIgnored(batch);
    const refused = batch.messages.filter(isRefused);
    await this.#sources.prepare(billableOf(works));

    const result = await inTransaction(this.#database, async (connection) => {
      // 1. The fence: whoever holds the position's row is the only one to move it.
      const [position] = await lockPosition.run(connection, batch);
      if (position === undefined) return { status: 'moved', position } as const;
      const { next_offset, pass } = position;
      if (Number(next_offset) !== batch.fromOffset || pass !== batch.pass) {
        return { status: 'moved', position: { nextOffset: Number(next_offset), pass } } as const;
      }
      // 2. Sessions that the batch may change are locked; what is known of them is then current.
      await this.#recall(connection, works);
      await this.#lockSessions(connection, works.filter(mayChange));
      // 3. Fresh, duplicate or conflict.
      for (const work of works) settle(work, counts);
      // 4. The ledger, and the sums over it.
      const pages = pagesOf(batch, works, this.#sources);
      if (pages !== undefined) await insertPages.run(connection, pages);
      const usage = usageOf(works);
      if (usage !== undefined) await addUsage.run(connection, usage);
      // 5. What was not applied.
      await keepConflicts(connection, batch, works);
      await keepDeadLetters(connection, batch, refused);
      if (refused.length > 0) await this.#options.beforeDeadLetters?.(batch, refused);
      // 6. The books and the position.
      await this.#keepBooks(connection, batch, position, counts);
      return { status: 'applied', counts, otherAccounts: otherAccounts(works), refused } as const;
    });
    if (result.status === 'applied') this.#remember(works);
    return result;
  }

  /** Fills in what is known of the sessions, from memory or else from committed data. */
  async #recall(connection: Connection, works: readonly SessionWork[]): Promise<void> {
    const unknown: SessionWork[] = [];
    for (const work of works) {
      work.state = this.#sessions.get(work.sessionId);
      if (work.state === undefined) unknown.push(work);
    }
    const states = await load(connection, unknown);
    for (const work of unknown) {
      work.state = states.get(work.sessionId);
      if (work.state !== undefined) this.#sessions.set(work.sessionId, work.state);
    }
  }

  async #lockSessions(connection: Connection, works: readonly SessionWork[]): Promise<void> {
    if (works.length === 0) return;
    const rows = await touchSessions.run(connection, {
      sessionIds: textArray(works.map(({ sessionId }) => sessionId)),
      accountIds: textArray(works.map(({ accountId }) => accountId)),
      attributes: textArray(works.map(({ attributes }) => JSON.stringify(attributes ?? {}))),
      firstUs: numberArray(works.map(({ firstUs }) => firstUs)),
      lastUs: numberArray(works.map(({ lastUs }) => lastUs)),
    });
    const byId = new Map(rows.map((row) => [row.session_id, row]));
    const stale: SessionWork[] = [];
    for (const work of works) {
      const row = byId.get(work.sessionId);
      if (row === undefined) throw new Error(`session ${work.sessionId} was not locked`);
      const revision = Number(row.revision);
      work.touched = { revision, period: row.period, accountId: row.account_id };
      if (revision !== (work.state?.revision ?? 0) + 1) stale.push(work);
    }
    const states = await load(connection, stale);
    for (const work of stale) {
      this.#sessions.delete(work.sessionId);
      work.state = states.get(work.sessionId);
    }
  }

  async #keepBooks(
    connection: Connection,
    batch: Batch,
    position: PositionRow,
    counts: OutcomeCounts,
  ): Promise<void> {
    const newest = Number(position.range_first_offset);
    const { groupId, topic, partition, pass, fromOffset, nextOffset } = batch;
    await keepBooks.run(connection, {
      groupId,
      topic,
      partition,
      pass,
      rangeFirstOffset: nextOffset - newest <= MAX_RANGE ? newest : fromOffset,
      nextOffset,
      consumed: batch.messages.length,
      applied: counts.applied,
      duplicate: counts.duplicate,
      ignored: counts.ignored,
      conflict: counts.conflict,
      deadLetter: counts.dead_letter,
      note: null,
    });
  }

  /** Keeps what the committed transaction added to the sessions. */
  #remember(works: readonly SessionWork[]): void {
    for (const { sessionId, state, touched, firstUs, lastUs, added } of works) {
      if (touched === undefined) continue;
      const { revision, period, accountId } = touched;
      const known = this.#sessions.get(sessionId);
      if (state !== undefined && known === state) {
        this.#sessions.advance(sessionId, state, {
          revision,
          accountId,
          firstUs: Math.min(firstUs, state.firstUs),
          lastUs: Math.max(lastUs, state.lastUs),
          identities: added,
        });
      } else if (known === undefined) {
        const identities = state?.identities ?? new IdentitySet();
        identities.addAll(added);
        const bounds = {
          firstUs: Math.min(firstUs, state?.firstUs ?? firstUs),
          lastUs: Math.max(lastUs, state?.lastUs ?? lastUs),
        };
        this.#sessions.set(sessionId, { revision, period, accountId, ...bounds, identities });
      } else {
        this.#sessions.delete(sessionId);
      }
    }
  }
}

async function load(
  connection: Connection,
  works: readonly SessionWork[],
): Promise<Map<string, SessionState>> {
  const states = new Map<string, SessionState>();
  if (works.length === 0) return states;
  const sessionIds = textArray(works.map(({ sessionId }) => sessionId));
  for (const row of await loadSessions.run(connection, { sessionIds })) {
    let state = states.get(row.session_id);
    if (state === undefined) {
      state = {
        revision: Number(row.revision),
        period: row.period,
        accountId: row.account_id,
        firstUs: Number(row.first_us),
        lastUs: Number(row.last_us),
        identities: new IdentitySet(),
      };
      states.set(row.session_id, state);
    }
    if (row.identities !== null) state.identities.addPage(row.identities);
  }
  return states;
}

function rejected(message: Exclude<Message, RefusedMessage>, error: unknown): RefusedMessage {
  return {
    kind: 'dead_letter',
    record: message.record,
    reason: 'rejected_by_database',
    detail: messageOf(error),
    schemaId: message.kind === 'billable' ? message.schemaId : null,
  };
}

function isRefused(message: Message): message is RefusedMessage {
  return message.kind === 'dead_letter';
}

function* billableOf(works: readonly SessionWork[]): Iterable<BillableMessage> {
  for (const work of works) yield* work.billable;
}

function refusalsAndIgnored({ messages }: Batch): OutcomeCounts {
  const counts = { applied: 0, duplicate: 0, ignored: 0, conflict: 0, dead_letter: 0 };
  for (const { kind } of messages) if (kind !== 'billable') counts[kind] += 1;
  return counts;
}

function otherAccounts(works: readonly SessionWork[]): number {
  let sessions = 0;
  for (const work of works) {
    const settled = work.touched?.accountId ?? work.state?.accountId ?? work.accountId;
    const differs = work.accountId !== null && work.accountId !== settled;
    if (differs || work.namesOtherAccount) sessions += 1;
  }
  return sessions;
}

function added(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  return {
    applied: a.applied + b.applied,
    duplicate: a.duplicate + b.duplicate,
    ignored: a.ignored + b.ignored,
    conflict: a.conflict + b.conflict,
    dead_letter: a.dead_letter + b.dead_letter,
  };
}
