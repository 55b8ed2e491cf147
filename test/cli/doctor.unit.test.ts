import { expect, test } from 'vitest';
import {
  type Check,
  type Finding,
  fail,
  ok,
  type Scene,
  warn,
} from '../../src/cli/doctor/finding.ts';
import { runChecks } from '../../src/cli/doctor/run-checks.ts';

const SCENE = {} as Scene;
const never = new Promise<Finding[]>(() => {});

function check(name: string, run: () => Promise<Finding[]>, after?: string): Check {
  return { name, todo: `look at ${name}`, run, ...(after !== undefined && { after }) };
}

test('every check is made, whatever the others find, in the order of the list', async () => {
  const findings = await runChecks(
    [
      check('hangs', () => never),
      check('throws', () => Promise.reject(new Error('no such host'))),
      check('warns', async () => [warn('a', 'odd', 'look'), ok('b', 'fine')]),
    ],
    SCENE,
    50,
  );
  expect(findings).toEqual([
    { check: 'hangs', ...fail('', 'no answer within 0.05 s', 'look at hangs') },
    { check: 'throws', ...fail('', 'no such host', 'look at throws') },
    { check: 'warns', ...warn('a', 'odd', 'look') },
    { check: 'warns', ...ok('b', 'fine') },
  ]);
});

test('a check that needs another one is made after a warning, and not after a failure', async () => {
  const made: string[] = [];
  const noting = (name: string, after: string) =>
    check(
      name,
      async () => {
        made.push(name);
        return [ok('', 'fine')];
      },
      after,
    );
  const findings = await runChecks(
    [
      check('warns', async () => [warn('', 'odd', 'look')]),
      noting('after a warning', 'warns'),
      check('fails', async () => [ok('a', 'fine'), fail('b', 'gone', 'look')]),
      noting('after a failure', 'fails'),
      noting('after what was not made', 'after a failure'),
    ],
    SCENE,
    1_000,
  );
  expect(made).toEqual(['after a warning']);
  expect(findings.at(-2)).toEqual({
    check: 'after a failure',
    verdict: 'skip',
    subject: '',
    found: 'not looked at: it needs "fails"',
  });
  expect(findings.at(-1)?.verdict).toBe('skip');
});
