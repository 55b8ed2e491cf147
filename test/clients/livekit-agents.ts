import { join } from 'node:path';
import { cached } from '../../tools/stack/cache.ts';
import { definedOnly } from '../../tools/stack/child-environment.ts';
import { runToEnd } from '../../tools/stack/managed-process.ts';
import { Watchdog } from '../../tools/stack/watchdog.ts';

const VERSION = '1.9.0';

/** The node_modules folder of an installed `@livekit/agents`: 285 MB, kept between runs. */
export async function livekitAgents(): Promise<string> {
  const env = process.env;
  const progress = (line: string) => process.stderr.write(`@livekit/agents ${VERSION}: ${line}\n`);
  const watchdog = await Watchdog.start();
  try {
    const directory = await cached({
      env,
      watchdog,
      name: `livekit-agents-node-${VERSION}`,
      onWait: () => progress('waiting for another download to finish'),
      fill: async (folder) => {
        const began = Date.now();
        progress('installing with npm (285 MB)');
        await runToEnd(watchdog, 'npm install', {
          file: 'npm',
          args: ['install', '--prefix', folder, '--ignore-scripts', `@livekit/agents@${VERSION}`],
          env: definedOnly(env),
          log: join(watchdog.scratch, 'npm.log'),
        });
        progress(`installed in ${((Date.now() - began) / 1_000).toFixed(0)} s`);
      },
    });
    return join(directory, 'node_modules');
  } finally {
    await watchdog.close();
  }
}
