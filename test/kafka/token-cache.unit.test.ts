import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { NoTokenError, TokenRefusedError } from '../../src/kafka/sasl/bearer-token.ts';
import { TokenCache } from '../../src/kafka/sasl/token-cache.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A cache, and the server that it asks: `answers` throws while there is an outage. */
function scene() {
  const server = { asked: 0, error: undefined as Error | undefined, lifetimeMs: 100_000 };
  const cache = new TokenCache({
    fetchToken: async () => {
      server.asked += 1;
      if (server.error !== undefined) throw server.error;
      return { value: `token-${server.asked}`, lifetimeMs: server.lifetimeMs };
    },
    toCheck: 'the scope',
    logger: createLogger('silent'),
  });
  return { cache, server };
}

test('a token is fetched once for all who ask meanwhile', async () => {
  const { cache, server } = scene();
  expect(await Promise.all([cache.get(), cache.get()])).toEqual(['token-1', 'token-1']);
  expect(server.asked).toBe(1);
});

test('a token that was used is replaced in the background after four fifths of its lifetime', async () => {
  const { cache, server } = scene();
  await cache.get();
  await vi.advanceTimersByTimeAsync(78_000);
  expect(server.asked).toBe(1);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(server.asked).toBe(2);
  expect(await cache.get()).toBe('token-2');
});

test('a token that nobody used is not replaced until somebody asks', async () => {
  const { cache, server } = scene();
  await cache.get();
  await vi.advanceTimersByTimeAsync(500_000);
  expect(server.asked).toBe(2);
  expect(await cache.get()).toBe('token-3');
});

test('during an outage the current token is used until it ends, and new ones are asked for', async () => {
  const { cache, server } = scene();
  await cache.get();
  server.error = new NoTokenError('down');
  await vi.advanceTimersByTimeAsync(90_000);
  expect(server.asked).toBeGreaterThan(3);
  expect(await cache.get()).toBe('token-1');
  server.error = undefined;
  await vi.advanceTimersByTimeAsync(9_000);
  expect(await cache.get()).not.toBe('token-1');
});

test('without a token, a caller waits for some seconds, and gets one that comes meanwhile', async () => {
  const { cache, server } = scene();
  server.error = new NoTokenError('down');
  const token = cache.get();
  await vi.advanceTimersByTimeAsync(3_000);
  server.error = undefined;
  await vi.advanceTimersByTimeAsync(3_000);
  expect(await token).toMatch(/^token-/);

  cache.discard(await token);
  server.error = new NoTokenError('down again');
  const error = cache.get().catch((reason: unknown) => reason);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await error).toBe(server.error);
});

test('a refusal is passed on at once', async () => {
  const { cache, server } = scene();
  server.error = new TokenRefusedError('wrong secret', 'the secret');
  await expect(cache.get()).rejects.toBe(server.error);
  expect(server.asked).toBe(1);
});

test('a token that a broker refused is not given out again', async () => {
  const { cache } = scene();
  cache.discard(await cache.get());
  expect(await cache.get()).toBe('token-2');
});

// Every request on such a session began with another authentication, which brokers refuse.
test('a token that ends within three seconds begins no session while there is another', async () => {
  const { cache, server } = scene();
  server.lifetimeMs = 5_000;
  await cache.get();
  await vi.advanceTimersByTimeAsync(900);
  expect(await cache.get()).toBe('token-1');
  await vi.advanceTimersByTimeAsync(200);
  expect(await cache.get()).not.toBe('token-1');
});
