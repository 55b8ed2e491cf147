import type { Settings } from '../config/settings.ts';
import { requireCurrentSchema } from '../migrate/migrate.ts';
import { type Database, openDatabase } from '../postgres/database.ts';
import { reach } from './reach.ts';

/** Postgres, once it has answered, with the tables of this version. */
export async function reachDatabase(settings: Settings, size: number): Promise<Database> {
  const database = await reachServer(settings, size);
  try {
    await requireCurrentSchema(database, settings);
    return database;
  } catch (error) {
    await database.end();
    throw error;
  }
}

/** Postgres, once it has answered, whether or not it has our tables. */
export async function reachServer(settings: Settings, size: number): Promise<Database> {
  const database = openDatabase(settings, size);
  try {
    await reach(settings, databaseName(settings), () => database.query('SELECT 1'));
    return database;
  } catch (error) {
    // Not awaited: it would wait for a connection attempt that hangs.
    void database.end();
    throw error;
  }
}

function databaseName(settings: Settings): string {
  const { hostname, port, pathname } = new URL(settings.DATABASE_URL);
  return `Postgres at ${hostname}:${port || 5432}${pathname}`;
}
