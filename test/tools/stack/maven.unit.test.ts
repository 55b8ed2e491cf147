import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fetchArtifact, KAFKA_ARTIFACT } from '../../../tools/stack/maven.ts';
import { Watchdog } from '../../../tools/stack/watchdog.ts';

let watchdog: Watchdog;
let folder: string;
beforeEach(async () => {
  watchdog = await Watchdog.start();
  folder = await mkdtemp(join(tmpdir(), 'usage-ledger-test-'));
});
afterEach(async () => {
  await watchdog.close();
  await rm(folder, { recursive: true });
});

// Maven warns of a wrong checksum and keeps the file: what is downloaded here is run.
test('Maven is asked to refuse a download whose checksum is wrong', async () => {
  const mvn = join(folder, 'mvn');
  const seen = join(folder, 'arguments');
  await writeFile(mvn, `#!/bin/sh\nprintf '%s\\n' "$@" >${seen}\n`);
  await chmod(mvn, 0o755);
  const env = { PATH: `${folder}:${process.env['PATH']}`, XDG_CACHE_HOME: folder };

  await fetchArtifact(KAFKA_ARTIFACT, { env, watchdog, progress: () => {} });

  expect((await readFile(seen, 'utf8')).split('\n')).toContain('--strict-checksums');
});
