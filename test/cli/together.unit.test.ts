import { describe, expect, test } from 'vitest';
import { together } from '../../src/cli/reach.ts';
import { UnreachableError, WrongUsageError } from '../../src/errors.ts';

const never = new Promise<string>(() => {});

describe('dependencies that are reached concurrently', () => {
  test('are all returned when all are reached', async () => {
    expect(await together([Promise.resolve(1), Promise.resolve('two')])).toEqual([1, 'two']);
  });

  test('a schema without tables is reported at once, during the wait for Kafka and the registry', async () => {
    const wrong = Promise.reject(new WrongUsageError('run: usage-ledger migrate'));
    await expect(together([never, never, wrong])).rejects.toThrow(/usage-ledger migrate/);
  });

  test('all dependencies that are not reached are named in one error', async () => {
    const unreached = (name: string) => Promise.reject(new UnreachableError(name));
    const failed = together([unreached('Kafka'), Promise.resolve(1), unreached('Postgres')]);
    await expect(failed).rejects.toThrow('Kafka\nPostgres');
    await expect(together([unreached('Kafka')])).rejects.toBeInstanceOf(UnreachableError);
  });
});
