import { expect, test } from 'vitest';
import { cli, startCli } from '../support/cli.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { newWorld } from '../support/world.ts';

/** Loaded before the program, in each of its threads. */
const preload = (code: string) => ({
  NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(code)}`,
});

// A crash and a check that did not hold had the same exit code.
test('a bug ends a command with exit code 70 and its stack', async () => {
  const broken = preload('URL.canParse = () => { throw new TypeError("a mistake of ours") };');
  const { code, stdout, stderr } = await cli(['verify'], {
    ...broken,
    DATABASE_URL: 'postgres://localhost/x',
  });
  expect(code).toBe(70);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/a bug, please report it:\nTypeError: a mistake of ours\n {4}at /);
});

test.each([
  ['thrown in a callback', 'throw new TypeError("a mistake of ours")'],
  ['rejected and not seen', 'Promise.reject(new TypeError("a mistake of ours"))'],
])('a bug that is %s exits with 70', async (_, mistake) => {
  const code = `const timer = setInterval(() => {
    if (process.listenerCount('uncaughtException') === 0) return;
    clearInterval(timer);
    ${mistake};
  }, 10);`;
  const waiting = { DATABASE_URL: 'postgres://u@127.0.0.1:1/x' };
  const ended = await cli(['verify'], { ...preload(code), ...waiting });
  expect(ended.code).toBe(70);
  expect(ended.stderr).toMatch(/a bug, please report it:\nTypeError: a mistake of ours\n {4}at /);
});

test('a bug in the receiver thread ends the worker with 70', async () => {
  const world = await newWorld(1);
  try {
    const code = `import { isMainThread } from 'node:worker_threads';
      if (!isMainThread) setTimeout(() => { throw new TypeError('a mistake of ours') }, 500);`;
    const { code: exitCode, stderr } = await startCli(['run'], { ...world.env, ...preload(code) })
      .ended;
    expect(exitCode).toBe(70);
    expect(stderr).toMatch(/a bug, please report it:\nTypeError: a mistake of ours/);
  } finally {
    await world.close();
  }
});

// That is nobody's mistake, and it was called a bug.
test('a database lost during a command exits with 3', async () => {
  const world = await newWorld(1);
  const { proxy, url } = await TcpProxy.of(world.settings.DATABASE_URL);
  proxy.judge = (bytes) => (bytes.includes('DECLARE report') ? 'cut before' : 'pass');
  try {
    const { code, stderr } = await cli(['report'], { ...world.env, DATABASE_URL: url });
    expect(code).toBe(3);
    expect(stderr).toMatch(/lost a service during the command: .*; run it again/);
  } finally {
    await proxy.close();
    await world.close();
  }
});
