import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { usageSource } from '../schema/tables.ts';

type Names = { metricTypes: Buffer; providers: Buffer; models: Buffer };

const wanted = sql`unnest(${sql.placeholder('metricTypes')}::text[],
  ${sql.placeholder('providers')}::text[], ${sql.placeholder('models')}::text[])
  AS wanted (metric_type, provider, model)`;

/**
 * Numbers the names that have no number yet. The others are left out before ON CONFLICT, which would
 * use up a number for each of them.
 */
export const addSources = statement<Names>(
  'add_sources',
  sql`INSERT INTO ${usageSource} (metric_type, provider, model)
    SELECT metric_type, provider, model FROM ${wanted}
    WHERE NOT EXISTS (
      SELECT FROM ${usageSource} AS known
      WHERE (known.metric_type, known.provider, known.model)
        = (wanted.metric_type, wanted.provider, wanted.model))
    ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING`,
);

export const readSources = statement<
  Names,
  { source_id: number; metric_type: string; provider: string; model: string }
>(
  'read_sources',
  sql`SELECT source.source_id, wanted.metric_type, wanted.provider, wanted.model
    FROM ${wanted} JOIN ${usageSource} AS source USING (metric_type, provider, model)`,
);
