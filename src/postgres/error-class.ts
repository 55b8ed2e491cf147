import { TryAgainError } from '../errors.ts';
import { codeOf, isRefusedByPostgres, isTooMuchAtOnce, isTransient } from './errors.ts';

/** The classes of Postgres' errors for metrics; see `postgresErrorClass`. */
export const POSTGRES_ERROR_CLASSES = [
  'authentication',
  'connection',
  'conflict',
  'lock',
  'other',
  'permission',
  'resources',
  'timeout',
  'unavailable',
  'value',
] as const;
export type PostgresErrorClass = (typeof POSTGRES_ERROR_CLASSES)[number];

/** By SQLSTATE, or its first two characters. */
const CLASSES = new Map<string, PostgresErrorClass>([
  ['08', 'connection'],
  ['25', 'unavailable'], // read-only after a failover
  ['28', 'authentication'],
  ['3D', 'authentication'], // no such database
  ['40', 'conflict'], // deadlock, serialization failure
  ['53', 'resources'],
  ['57', 'unavailable'], // shutdown, crash recovery
  ['58', 'unavailable'],
  ['XX', 'unavailable'],
  ['42501', 'permission'],
  ['55P03', 'lock'],
]);

/** What kind of trouble an error of Postgres is; `undefined`: it is none of Postgres. */
export function postgresErrorClass(error: unknown): PostgresErrorClass | undefined {
  if (error instanceof TryAgainError) return undefined;
  if (isRefusedByPostgres(error)) return 'value';
  const code = codeOf(error);
  const isSqlState = code?.length === 5 && /^[0-9A-Z]{5}$/.test(code);
  if (isSqlState && code !== '53200' && code !== '53400' && isTooMuchAtOnce(error)) {
    return 'timeout';
  }
  if (isSqlState && !code.startsWith('E')) {
    return CLASSES.get(code) ?? CLASSES.get(code.slice(0, 2)) ?? 'other';
  }
  if (isTooMuchAtOnce(error)) return 'timeout';
  return isTransient(error) ? 'connection' : undefined;
}
