import { CheckFailedError } from '../errors.ts';
import type { Queryable } from '../postgres/statement.ts';
import { countWatermarks, readLagging } from './statements.ts';

const NAMED = 5;

/**
 * Whether everything with a Kafka time before the end of a day is applied.
 *
 * @returns why not, for a person; `undefined`: the day is complete
 */
export async function whyIncomplete(
  connection: Queryable,
  to: string,
): Promise<string | undefined> {
  const [known] = await countWatermarks.run(connection, {});
  if (known === undefined || known.count === 0) {
    return 'billing_watermark has no partition: no worker has applied anything yet';
  }
  const lagging = await readLagging.run(connection, { to });
  if (lagging.length === 0) return undefined;
  const places = lagging
    .slice(0, NAMED)
    .map(
      ({ topic, partition, applied_until: until }) =>
        `${topic}/${partition} is applied until ${until.toISOString()}`,
    );
  const more = lagging.length > NAMED ? ` and ${lagging.length - NAMED} more` : '';
  return `not everything up to the end of ${to} is applied: ${places.join(', ')}${more}`;
}

/** @throws {CheckFailedError} when the period is not complete */
export function requireComplete(why: string | undefined): void {
  if (why === undefined) return;
  throw new CheckFailedError(
    `${why}; wait for the workers, see \`usage-ledger position show\`, or look at what there is with --incomplete`,
  );
}
