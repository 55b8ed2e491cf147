import { Placeholder, type SQL, type SQLWrapper } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import { ANSWER_TIMEOUT_MS, type AnsweredQuery, keepsStatements } from './database.ts';

/**
 * A parameterised statement. Its text is compiled once, and each connection prepares it once, unless a
 * pooler may give the next transaction another backend.
 */
export interface Statement<P extends object, R extends pg.QueryResultRow> {
  readonly name: string;
  readonly text: string;
  run(connection: Queryable, parameters: P): Promise<R[]>;
}

export type Queryable = Pick<pg.ClientBase, 'query'>;

const dialect = new PgDialect();

/**
 * Compiles a statement that was written with Drizzle. Its parameters, `sql.placeholder(name)`, are
 * passed by name.
 *
 * @param name under which connections prepare it: unique in the program
 * @param answerMs how long its answer may take, where its transaction allows for it
 */
export function statement<P extends object, R extends pg.QueryResultRow = never>(
  name: string,
  query: SQLWrapper,
  answerMs = ANSWER_TIMEOUT_MS,
): Statement<P, R> {
  const { sql: text, params } = dialect.sqlToQuery(query.getSQL() as SQL);
  const names = params.map((param) => {
    if (param instanceof Placeholder) return param.name as keyof P & string;
    throw new Error(`${name}: the statement contains a literal value; use sql.placeholder`);
  });
  return {
    name,
    text,
    async run(connection, parameters) {
      const values = names.map((parameter) => parameters[parameter]);
      const query = { text, values, query_timeout: answerMs };
      const named: AnsweredQuery = keepsStatements(connection) ? { name, ...query } : query;
      const result = await connection.query<R>(named);
      return result.rows;
    },
  };
}
