import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { INSTALL_TIMEOUT_MS, pythonWithLiveKit } from '../support/python-environment.ts';
import { newWorld } from '../support/world.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test('the Python program of docs/emitting.md is billed as it says', {
  timeout: INSTALL_TIMEOUT_MS,
}, async () => {
  const page = readFileSync(`${ROOT}docs/emitting.md`, 'utf8');
  const program = /```python\n(.*?)```/s.exec(page)?.[1] ?? '';
  const python = await pythonWithLiveKit('1.8.9');
  const world = await newWorld(1);
  try {
    const env = { ...process.env, ...world.env };
    await promisify(execFile)(python, ['-c', program], { cwd: ROOT, env });
    await world.run();
    const { rows } = await world.database.query(
      'SELECT * FROM session_model_usage JOIN session USING (session_id)',
    );
    expect(rows).toMatchObject([
      {
        session_id: 'call-1',
        account_id: 'acct-1',
        usage_type: 'tts_usage',
        provider: 'cartesia',
        model: 'sonic',
        characters_count: '31',
        audio_duration: '2.25',
      },
    ]);
  } finally {
    await world.close();
  }
});
