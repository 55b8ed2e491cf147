import type pg from 'pg';
import { readMigrations } from '../../src/migrate/migration-files.ts';

/** Makes the schema as it was before a migration; the connection then looks up names in it. */
export async function migratedBefore(client: pg.Client, tag: string): Promise<void> {
  await client.query('CREATE SCHEMA usage_ledger; SET search_path = usage_ledger');
  await client.query('CREATE TABLE schema_migration (id serial, hash text, created_at bigint)');
  const migrations = readMigrations();
  const before = migrations.findIndex((migration) => migration.tag === tag);
  for (const { statements, hash, when } of migrations.slice(0, before)) {
    for (const statement of statements) await client.query(statement);
    const values = [hash, when];
    await client.query('INSERT INTO schema_migration (hash, created_at) VALUES ($1, $2)', values);
  }
}
