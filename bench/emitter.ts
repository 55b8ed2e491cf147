import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pythonWithLiveKit } from '../test/support/python-environment.ts';

/**
 * `npm run bench:emitter [-- --minutes 10]`: what an event costs in the Python emitter, then that long
 * without broker and registry. Exits 1 when a promise of the emitter did not hold. Linux only.
 */
const LIVEKIT_AGENTS = '1.8.9';
const CLIENT = fileURLToPath(new URL('../clients/python/', import.meta.url));

const python = await pythonWithLiveKit(LIVEKIT_AGENTS);
for (const args of [['bench/cost.py'], ['bench/outage.py', ...process.argv.slice(2)]]) {
  const child = spawn(python, args, {
    cwd: CLIENT,
    env: { ...process.env, PYTHONPATH: 'src', PYTHONDONTWRITEBYTECODE: '1' },
    stdio: 'inherit',
  });
  const [code] = await once(child, 'close');
  if (code !== 0) process.exitCode = 1;
}
