import { exec } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { INSTALL_TIMEOUT_MS, pythonWithLiveKit } from '../support/python-environment.ts';
import { newWorld } from '../support/world.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Done already, by whoever runs the tests and by their set-up. */
const DONE = ['npm ci', 'npm run stack', 'python3 -m venv', '/tmp/agent/bin/pip'];

test('every command of docs/first-invoice.md does what the page says', {
  timeout: INSTALL_TIMEOUT_MS,
}, async () => {
  const page = readFileSync(`${ROOT}docs/first-invoice.md`, 'utf8');
  const blocks = (language: string) =>
    [...page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(
      ([, text = '']) => text,
    );
  const commands = blocks('sh').flatMap((block) => block.trim().split('\n'));
  const expected = blocks('text').map((block) => block.trim());
  const python = await pythonWithLiveKit('1.8.9');
  const world = await newWorld(2);
  try {
    const env = {
      ...process.env,
      ...world.env,
      PYTHONPATH: `${ROOT}clients/python/src`,
      PYTHONDONTWRITEBYTECODE: '1',
      PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`,
    };
    let output = '';
    for (const command of commands) {
      if (DONE.some((done) => command.startsWith(done))) continue;
      const line = command.replace('/tmp/agent/bin/python', `'${python}'`);
      // It rejects, with what was printed, where the exit code is not 0.
      output += (await promisify(exec)(line, { cwd: ROOT, env })).stdout;
    }

    expect(
      commands.filter((command) => !DONE.some((done) => command.startsWith(done))),
    ).toHaveLength(7);
    expect(expected).toHaveLength(2);
    for (const text of expected) expect(output).toContain(text);
    expect(output).toContain('the books balance');
    const [query = ''] = blocks('sql');
    const { rows } = await world.database.query(query);
    expect(rows).toHaveLength(3);
  } finally {
    await world.close();
  }
});
