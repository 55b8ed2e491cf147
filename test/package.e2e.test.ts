import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const INSTALL_TIMEOUT_MS = 600_000;
const run = promisify(execFile);

let folder: string;
let installed: string;
let tarball: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usage-ledger-package-'));
  await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  // dist/ is that of the run's set-up.
  const { stdout } = await run(
    'npm',
    ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder],
    { cwd: ROOT },
  );
  tarball = join(folder, stdout.trim());
  await run('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: folder });
  installed = join(folder, 'node_modules/usage-ledger');
}, INSTALL_TIMEOUT_MS);
afterAll(() => rm(folder, { recursive: true }));

test('the command runs, and has what it reads with it', async () => {
  const command = join(folder, 'node_modules/.bin/usage-ledger');
  const { version } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  expect((await run(command, ['--version'])).stdout).toBe(`${version}\n`);
  const failure = await run(command, ['migrate'], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: 'postgres://127.0.0.1:1/none',
      STARTUP_TIMEOUT_S: '1',
    },
  }).catch((error: { code: number; stderr: string }) => error);
  expect(failure).toMatchObject({ code: 3 });
  expect(existsSync(join(installed, 'migrations/meta/_journal.json'))).toBe(true);
});

test('the library runs and is typed', async () => {
  const script = join(folder, 'library.ts');
  await writeFile(
    script,
    `import { ModelUsageCollector, type LLMMetrics } from 'usage-ledger/metrics';
export const collector: ModelUsageCollector = new ModelUsageCollector();
export const field: LLMMetrics['prompt_tokens'] = 1;
console.log(collector.flatten());`,
  );
  const { stdout } = await run(process.execPath, ['--import', 'tsx', script], { cwd: ROOT });
  expect(stdout.trim()).toBe('[]');
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--types',
    '',
  ];
  await run(process.execPath, [tsc, ...options, script], { cwd: folder });
});

test('publint and arethetypeswrong find nothing', async () => {
  const data = await readFile(tarball);
  const lint = await publint({ pack: { tarball: new Uint8Array(data).buffer }, strict: true });
  expect(lint.messages).toEqual([]);
  const types = await checkPackage(createPackageFromTarballData(new Uint8Array(data)));
  // ESM only: `require` and resolution older than package exports are not supported, and said so.
  const unsupported = new Set(['NoResolution', 'CJSResolvesToESM']);
  const problems = types.types === false ? ['no types'] : types.problems;
  expect(
    problems.filter((problem) => typeof problem === 'string' || !unsupported.has(problem.kind)),
  ).toEqual([]);
});

test('pages link to what is shipped, and no file names a source map', () => {
  const pages = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.md') && !file.includes('node_modules'),
  );
  expect(pages.length).toBeGreaterThan(10);
  const dead = pages.flatMap((page) => {
    const text = readFileSync(join(installed, page), 'utf8');
    return [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
      .map(([, target = '']) => join(dirname(page), target))
      .filter((target) => !existsSync(join(installed, target)))
      .map((target) => `${page}: ${target}`);
  });
  expect(dead).toEqual([]);
  expect(
    readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.map'),
    ),
  ).toEqual([]);
});
