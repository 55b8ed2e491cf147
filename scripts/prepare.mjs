// Runs after `npm ci` in a checkout: builds dist/, so that the commands can start, and that of the Node
// emitter. An installed package, without the compiler, has its dist/ already; an image has no emitter.
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
if (existsSync(compiler)) {
  for (const name of ['..', '../clients/node']) {
    const folder = new URL(`${name}/`, import.meta.url);
    if (!existsSync(new URL('tsconfig.build.json', folder))) continue;
    // Files of an earlier build whose sources were deleted must not be shipped or run.
    rmSync(new URL('dist', folder), { recursive: true, force: true });
    execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
      cwd: folder,
      stdio: 'inherit',
    });
  }
}
