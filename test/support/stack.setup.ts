import { execFileSync } from 'node:child_process';
import type { TestProject } from 'vitest/node';
import { type Stack, startStack } from '../../tools/stack/stack.ts';
import type { StackUrls } from './stack-urls.ts';

let stack: Stack | undefined;

/** vitest's globalSetup: one stack for the whole run, whose addresses the tests `inject`. */
export async function setup(project: TestProject): Promise<void> {
  // The commands are tested as they are installed: built.
  execFileSync('npm', ['run', '-s', 'build'], { stdio: 'inherit' });
  stack = await startStack({ progress: (line) => process.stderr.write(`${line}\n`) });
  process.stderr.write(`${stack.how}\n`);
  const { kafkaBrokers, schemaRegistryUrl, databaseUrl } = stack;
  const urls: StackUrls = { kafkaBrokers, schemaRegistryUrl, databaseUrl };
  project.provide('stack', urls);
}

export async function teardown(): Promise<void> {
  await stack?.stop();
}
