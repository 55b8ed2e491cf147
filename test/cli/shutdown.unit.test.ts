import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { endOnSignals, shutdownSignal, unlessStopped } from '../../src/cli/shutdown.ts';
import { createLogger } from '../../src/config/logger.ts';

let exit: ReturnType<typeof vi.spyOn>;
let listeners: Record<'SIGINT' | 'SIGTERM', NodeJS.SignalsListener[]>;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  exit = vi.spyOn(process, 'exit').mockImplementation((() => {}) as never);
  listeners = { SIGINT: [], SIGTERM: [] };
  vi.spyOn(process, 'off').mockImplementation(((
    name: 'SIGINT' | 'SIGTERM',
    listener: () => void,
  ) => {
    listeners[name] = listeners[name].filter((one) => one !== listener);
  }) as never);
  vi.spyOn(process, 'on').mockImplementation(((
    name: 'SIGINT' | 'SIGTERM',
    listener: () => void,
  ) => {
    listeners[name].push(listener);
  }) as never);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const send = (signal: 'SIGINT' | 'SIGTERM') => {
  for (const listener of listeners[signal]) listener(signal);
};

describe.each([
  ['SIGINT', 'SIGINT'],
  ['SIGTERM', 'SIGTERM'],
  ['SIGINT', 'SIGTERM'],
] as const)('after %s, %s', (first, second) => {
  test('within two seconds is ignored, and later ends the process at once', () => {
    const stopped = shutdownSignal(createLogger('fatal'));
    expect(stopped.aborted).toBe(false);
    send(first);
    expect(stopped.aborted).toBe(true);
    send(second);
    vi.advanceTimersByTime(1_990);
    send(second);
    expect(exit).not.toHaveBeenCalled();
    vi.advanceTimersByTime(20);
    send(second);
    expect(exit).toHaveBeenCalledWith(1);
  });
});

describe('process 1 of a container', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('is ended by %s, although the kernel has no default for it', (signal, code) => {
    endOnSignals(1);
    send(signal);
    expect(exit).toHaveBeenCalledWith(code);
  });

  test('drains, where the command has a handler of its own', () => {
    endOnSignals(1);
    const stopped = shutdownSignal(createLogger('fatal'));
    send('SIGTERM');
    expect(stopped.aborted).toBe(true);
    expect(exit).not.toHaveBeenCalled();
  });

  test('is a case of its own: elsewhere the signal itself ends the command', () => {
    endOnSignals(2);
    expect(listeners).toEqual({ SIGINT: [], SIGTERM: [] });
  });
});

test('unlessStopped resolves as soon as the signal is aborted', async () => {
  const stop = new AbortController();
  expect(await unlessStopped(stop.signal, Promise.resolve('done'))).toBe('done');
  const waiting = unlessStopped(stop.signal, new Promise(() => {}));
  stop.abort();
  expect(await waiting).toBeUndefined();
  const failing = Promise.reject(new Error('too late'));
  expect(await unlessStopped(stop.signal, new Promise(() => {}))).toBeUndefined();
  await expect(unlessStopped(new AbortController().signal, failing)).rejects.toThrow('too late');
});
