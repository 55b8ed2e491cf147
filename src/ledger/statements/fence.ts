import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { consumerPosition, usageSource } from '../schema/tables.ts';
import type { PartitionKey, PositionRow } from './positions.ts';

/** The names that a batch uses, with the numbers that the worker has cached. */
export type UsedNames = {
  sourceIds: Buffer;
  metricTypes: Buffer;
  providers: Buffer;
  models: Buffer;
};

/** What the worker has cached, as it is in the database. */
export interface FenceRow {
  /** How many of the names have these numbers. */
  known_names: string;
  /** Of the type `ledger_page_row_2`, which differs from database to database. */
  row_oid: string;
}

const facts = sql`(
      SELECT count(*) FROM unnest(${sql.placeholder('sourceIds')}::integer[],
        ${sql.placeholder('metricTypes')}::text[], ${sql.placeholder('providers')}::text[],
        ${sql.placeholder('models')}::text[]) AS used (source_id, metric_type, provider, model)
      JOIN ${usageSource} AS source USING (source_id, metric_type, provider, model)
    ) AS known_names, to_regtype('ledger_page_row_2')::oid::bigint AS row_oid`;

/**
 * The fence of a batch: reads the group's position, locks it until the end of the transaction, and
 * compares what the worker has cached.
 */
export const fenceBatch = statement<PartitionKey & UsedNames, PositionRow & FenceRow>(
  'fence_batch',
  sql`SELECT next_offset, pass, pass_first_offset, range_first_offset, generation, ${facts}
    FROM ${consumerPosition}
    WHERE group_id = ${sql.placeholder('groupId')} AND topic = ${sql.placeholder('topic')}
      AND partition = ${sql.placeholder('partition')}
    FOR UPDATE`,
);

/** The same comparison for a redrive, which moves no position. */
export const compareNames = statement<UsedNames, FenceRow>('compare_names', sql`SELECT ${facts}`);
