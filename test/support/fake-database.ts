import type { Database } from '../../src/postgres/database.ts';

type Answer = (values: readonly unknown[]) => object[];

/** A database that answers statements by their names, with no rows where no answer is given. */
export function fakeDatabase(answers: Readonly<Record<string, Answer>>) {
  /** Names of the statements that ran. */
  const ran: string[] = [];
  const connection = {
    async query({ name, text, values = [] }: { name?: string; text: string; values?: unknown[] }) {
      if (name === undefined) return { command: text, rows: [] };
      ran.push(name);
      return { command: '', rows: answers[name]?.(values) ?? [] };
    },
    release() {},
  };
  const database = {
    connect: async () => connection,
    begin: async () => {},
    noteError() {},
  } as unknown as Database;
  return { database, ran };
}

/** A row of `read_positions`. */
export function positionRow(fields: object = {}) {
  return {
    topic: 'calls',
    partition: 0,
    next_offset: '10',
    pass: 0,
    pass_first_offset: '0',
    range_first_offset: '0',
    generation: 0,
    topic_id: 'a',
    halt_kind: null,
    halt_why: null,
    halted_ms: null,
    judged_from: '0',
    ...fields,
  };
}
