import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadSettings } from '../../src/config/settings.ts';
import { readerFor } from '../../src/decode/avro/reader.ts';
import { CheckFailedError, WrongUsageError } from '../../src/errors.ts';
import { schemaFetcher } from '../../src/registry/schema-fetcher.ts';
import { pingRegistry, registerSchema } from '../../src/registry/subjects.ts';
import { loadEnvelopeSchema } from '../../src/schemas/load.ts';
import { definitionOf } from '../decode/avro/wire.ts';

interface Canned {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
  readonly location?: string;
}

/** What is answered, by path; anything else is answered by `*`. */
let answers: Record<string, Canned> = {};
const server = createServer((request, response) => {
  const answer = answers[request.url ?? ''] ?? answers['*'];
  if (answer === undefined) return response.destroy();
  const { status, body, type = 'application/json', location } = answer;
  response.writeHead(status, { 'content-type': type, ...(location && { location }) });
  return response.end(body);
});
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const settings = () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return loadSettings({ SCHEMA_REGISTRY_URL: url }, ['registry']);
};
const fetchOne = (answer: Canned, id = 7) => {
  answers = { [`/schemas/ids/${id}`]: answer };
  return schemaFetcher(settings())(id);
};
const json = (value: unknown) => JSON.stringify(value);
const page = { body: '<html>Sign in</html>', type: 'text/html' };
const envelope = loadEnvelopeSchema();

describe('an answer of a registry', () => {
  test('is a schema', async () => {
    const body = json({ schema: json(envelope) });
    expect(await fetchOne({ status: 200, body })).toEqual({ found: true, schema: envelope });
    // Whatever the header says of it.
    const type = 'text/plain';
    expect(await fetchOne({ status: 200, body, type })).toMatchObject({ found: true });
  });

  test.each([
    [404, 40403],
    [404, 40401],
    [422, 42201],
  ])('may be its error code for a missing schema: %i %i', async (status, code) => {
    const body = json({ error_code: code, message: 'Schema not found' });
    expect(await fetchOne({ status, body })).toMatchObject({
      found: false,
      reason: 'unknown_schema',
      detail: expect.stringContaining(`HTTP ${status}`),
    });
  });

  test.each([
    ['of another kind', { schemaType: 'PROTOBUF', schema: 'syntax = "proto3";' }, 'not Avro'],
    ['that is no JSON', { schema: 'record R {}' }, 'not JSON'],
    ['that is larger than any', { schema: json('x'.repeat(1_100_000)) }, 'more than 1048576'],
    [
      'that is nested without end',
      { schema: `${'['.repeat(5_000)}${']'.repeat(5_000)}` },
      'deeper',
    ],
  ])('may be an unusable schema: %s', async (_, answer, detail) => {
    expect(await fetchOne({ status: 200, body: json(answer) })).toMatchObject({
      found: false,
      reason: 'undecodable',
      detail: expect.stringContaining(detail),
    });
  });

  test('may refer to other schemas, which are fetched as well', async () => {
    const own = structuredClone(envelope);
    const metadata = definitionOf(own, 'Metadata');
    const text = json(own).replace(json(metadata), json('usage_ledger.Metadata'));
    const reference = { name: 'usage_ledger.Metadata', subject: 'meta/data', version: 3 };
    answers = {
      '/schemas/ids/7': { status: 200, body: json({ schema: text, references: [reference] }) },
      '/subjects/meta%2Fdata/versions/3': {
        status: 200,
        body: json({ schema: json(metadata), references: [reference] }),
      },
    };
    const answer = await schemaFetcher(settings())(7);
    if (!answer.found) throw new Error(answer.detail);
    expect(answer.schema).toEqual({ schema: JSON.parse(text), references: [metadata] });
    expect(readerFor(answer.schema).reader).toBeTypeOf('function');
  });
});

/** Each was believed, because of its status. */
const NONSENSE: readonly [string, Canned][] = [
  ['a page', { status: 200, ...page }],
  ['JSON that is cut', { status: 200, body: json({ schema: json(envelope) }).slice(0, 300) }],
  ['nothing', { status: 200, body: '' }],
  ['other JSON', { status: 200, body: json({ login: '/sign-in' }) }],
  ['a schema that is no text', { status: 200, body: json({ schema: { type: 'string' } }) }],
  ['null', { status: 200, body: 'null' }],
  ['a list', { status: 200, body: '[{"schema":"1"}]' }],
  ['another status of success', { status: 202, body: json({ schema: json(envelope) }) }],
  ['the way to a login', { status: 302, body: '', location: '/login' }],
  ['refused credentials', { status: 401, body: json({ error_code: 401 }) }],
  ['a ban', { status: 403, ...page }],
  ['a page that is not found', { status: 404, ...page }],
  [
    'a path that is not found',
    { status: 404, body: json({ error_code: 404, message: 'HTTP 404' }) },
  ],
  ['a path that Apicurio does not know', { status: 404, body: json({ error_code: 0 }) }],
  ['somebody else’s 404', { status: 404, body: json({ error: 'no route' }) }],
  ['the code of another status', { status: 404, body: json({ error_code: 50001 }) }],
  ['a page that cannot be processed', { status: 422, ...page }],
  ['too many requests', { status: 429, body: json({ error_code: 42901 }) }],
  ['a failure', { status: 500, body: json({ error_code: 50001 }) }],
  ['a body without end', { status: 200, body: json({ schema: 'x'.repeat(5_000_000) }) }],
];

describe('an answer that is not from a registry is an outage:', () => {
  test.each(NONSENSE)('%s', async (_, answer) => {
    const failure = fetchOne(answer);
    await expect(failure).rejects.toThrow(/^the schema registry at http:/);
    await expect(failure).rejects.toThrow(
      answer.body.length > 4_194_304 ? 'more than 4194304 bytes' : `answered ${answer.status}`,
    );
  });

  test.each(NONSENSE)(
    'also to whoever asks whether the registry is there: %s',
    async (_, answer) => {
      answers = { '*': answer };
      const isList = answer.body.startsWith('[');
      if (!isList) await expect(pingRegistry(settings())).rejects.toThrow();
    },
  );

  test.each(NONSENSE)('also when a schema is registered: %s', async (_, answer) => {
    answers = { '*': answer };
    const registry = { register: async () => ({}) } as never;
    await expect(registerSchema(registry, settings(), 'calls')).rejects.toThrow(
      /^the schema registry at http:/,
    );
  });

  test('a registration without an id in the answer fails', async () => {
    answers = { '*': { status: 200, body: json({ compatibility: 'BACKWARD_TRANSITIVE' }) } };
    for (const register of [
      async () => ({ id: undefined }),
      () => Promise.reject(new TypeError('x')),
    ]) {
      await expect(registerSchema({ register } as never, settings(), 'calls')).rejects.toThrow(
        'answered without a schema id for calls-value',
      );
    }
  });
});

describe('a refusal by the registry', () => {
  const refusal = (status: number, code: number, message: string) => ({
    status,
    body: json({ error_code: code, message }),
  });

  // It was called a bug (70).
  test.each([409, 422])('of our schema with %i is a failed check', async (status) => {
    answers = { '*': { status: 200, body: json({ compatibility: 'BACKWARD_TRANSITIVE' }) } };
    const error = Object.assign(new Error('Incompatible schema: field x'), { status });
    const registry = { register: () => Promise.reject(error) } as never;
    const refused = registerSchema(registry, settings(), 'calls');
    await expect(refused).rejects.toBeInstanceOf(CheckFailedError);
    await expect(refused).rejects.toThrow(
      /calls-value: Incompatible schema: field x; run: usage-ledger schemas check$/,
    );
  });

  test('of the compatibility setting is wrong usage, with its message', async () => {
    answers = { '*': refusal(422, 42203, 'Invalid compatibility level') };
    const registry = { register: async () => ({ id: 1 }) } as never;
    const refused = registerSchema(registry, settings(), 'calls');
    await expect(refused).rejects.toBeInstanceOf(WrongUsageError);
    await expect(refused).rejects.toThrow('Invalid compatibility level');
  });
});
