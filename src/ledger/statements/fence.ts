import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { consumerPosition, usageSource } from '../schema/tables.ts';
import type { PositionRow } from './positions.ts';

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

/** Some partitions of a group. */
type Partitions = { groupId: string; topics: Buffer; partitions: Buffer };

type FencedRow = PositionRow & FenceRow & { topic: string; partition: number };

const fence = sql`SELECT position.topic, position.partition, next_offset, pass, pass_first_offset,
      range_first_offset, generation, ${facts}
    FROM ${consumerPosition} AS position
    JOIN unnest(${sql.placeholder('topics')}::text[], ${sql.placeholder('partitions')}::integer[])
      AS wanted (topic, partition)
      ON position.topic = wanted.topic AND position.partition = wanted.partition
    WHERE position.group_id = ${sql.placeholder('groupId')}
    FOR UPDATE OF position`;

/**
 * The fence of a batch: reads the group's position, locks it until the end of the transaction, and
 * compares what the worker has cached.
 */
export const fenceBatch = statement<Partitions & UsedNames, FencedRow>('fence_batch', fence);

/**
 * The same for several partitions, without those whose position another transaction holds: waiting for
 * one of them would delay all.
 */
export const fenceBatches = statement<Partitions & UsedNames, FencedRow>(
  'fence_batches',
  sql`${fence} SKIP LOCKED`,
);

/** The same comparison for a redrive, which moves no position. */
export const compareNames = statement<UsedNames, FenceRow>('compare_names', sql`SELECT ${facts}`);
