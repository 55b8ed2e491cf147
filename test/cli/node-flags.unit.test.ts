import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DEFAULT_NODE_FLAGS } from '../../bench/node-flags.ts';

const textOf = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

test.each([
  ['the script usage-ledger', 'package.json', `"exec node ${DEFAULT_NODE_FLAGS} dist/main.js"`],
  [
    'the command that is installed',
    'src/main.ts',
    `#!/usr/bin/env -S node ${DEFAULT_NODE_FLAGS}\n`,
  ],
  [
    'the container',
    'Dockerfile',
    `ENTRYPOINT ["node", "${DEFAULT_NODE_FLAGS.replaceAll(' ', '", "')}", "dist/main.js"]`,
  ],
])('%s runs with the flags that the bench measures', (_, file, line) => {
  expect(textOf(file)).toContain(line);
});

test('this version of Node has the flags', () => {
  const args = [...DEFAULT_NODE_FLAGS.split(' '), '--print', '42'];
  expect(execFileSync(process.execPath, args).toString()).toBe('42\n');
});
