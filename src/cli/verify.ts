import { CheckFailedError } from '../errors.ts';
import { type CheckResult, type Scope, verify } from '../verify/verify.ts';
import { command, context, JSON_OPTION, print, printJson } from './command.ts';
import { requireRange, time } from './options.ts';
import { reachDatabase } from './reach-database.ts';
import { skippedText } from './skipped.ts';

export function verifyCommand() {
  return command('verify', 'check that the books balance; exit 1 if they do not')
    .option(...JSON_OPTION)
    .option('--since <time>', 'only sessions written to at or after this time (ISO 8601)', time)
    .option('--until <time>', 'only sessions written to before this time (ISO 8601)', time)
    .action(async ({ json, since, until }: { json: boolean } & Scope) => {
      requireRange(since, until);
      const { settings } = context(['database']);
      const database = await reachDatabase(settings, 1);
      try {
        const result = await verify(database, { since, until }, json ? undefined : printCheck);
        if (json) printJson(result);
        else {
          for (const { check, found } of result.breaks) print(`${check}: ${JSON.stringify(found)}`);
          for (const range of result.skipped) print(skippedText(range));
        }
        if (!result.ok) {
          throw new CheckFailedError(`the books do not balance: ${result.breaks.length} breaks`);
        }
        if (!json) print('the books balance');
      } finally {
        await database.end();
      }
    });
}

export function printCheck({ breaks, holds, milliseconds }: CheckResult): void {
  const mark = breaks === 0 ? '✓' : '✗';
  const count = breaks === 0 ? '' : `: ${breaks} ${breaks === 1 ? 'break' : 'breaks'}`;
  print(`${mark} ${holds}${count} (${milliseconds} ms)`);
}
