import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test('control characters in a log line are escaped, and the line is valid JSON', () => {
  const name = '\x9b2J\u202e\u2028';
  const code = `import { createLogger } from './src/config/logger.ts';
    createLogger('info').info({ name: ${JSON.stringify(name)} }, 'seen');`;
  const { stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', code],
    { cwd: ROOT, encoding: 'utf8' },
  );
  expect(stderr).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  expect(JSON.parse(stderr)).toMatchObject({ name, msg: 'seen' });
}, 60_000);
