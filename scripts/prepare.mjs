// Runs after `npm ci` in a checkout: builds dist/, so that the commands can start. An installed
// package, without the compiler, has its dist/ already.
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
if (existsSync(compiler)) {
  // Files of an earlier build whose sources were deleted must not be shipped or run.
  rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });
  execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
}
