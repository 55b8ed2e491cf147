import { expect, test } from 'vitest';
import { SpareBuffers } from '../../src/bytes/spare-buffers.ts';
import { encodeEntries } from '../../src/ledger/encode-entries.ts';
import { sessionBatchesOf } from '../../src/ledger/session-batch.ts';
import type { BatchSources } from '../../src/ledger/source-ids.ts';
import { interruption, llm, stt, tts } from '../identify/samples.ts';
import { billable } from './messages.ts';

const sources = { idOf: () => 3 } as unknown as BatchSources;

/** What a batch of some sessions adds, all of it fresh. */
function encoded(sessions: number, buffers: SpareBuffers) {
  const messages = Array.from({ length: sessions }, (_, i) => [
    billable(llm({ request_id: `llm-${i}`, prompt_tokens: i }), { sessionId: `call-${i}` }, i * 4),
    billable(stt({ request_id: `stt-${i}` }), { sessionId: `call-${i}` }, i * 4 + 1),
    billable(tts({ request_id: `tts-${i}` }), { sessionId: `call-${i}` }, i * 4 + 2),
    billable(interruption({}), { sessionId: `call-${i}` }, i * 4 + 3),
  ]).flat();
  const batches = sessionBatchesOf(messages);
  for (const session of batches) {
    session.touched = { revision: 1n, period: '2026-01-01', accountId: null };
    session.outcomes = { fresh: session.billable, conflicting: [], duplicates: 0 };
  }
  const batch = { topic: 'metrics', partition: 0 };
  const size = { rowOid: 1, applied: messages.length };
  return encodeEntries([{ batch, sessions: batches }], sources, size, buffers);
}

function copied({ pages, usage }: ReturnType<typeof encoded>) {
  return structuredClone({ pages, usage });
}

test('what memory was used for before is not seen in what is written to it', () => {
  const expected = copied(encoded(20, new SpareBuffers()));
  const buffers = new SpareBuffers();
  buffers.give(Buffer.allocUnsafeSlow(1_000_000).fill(0xa5));
  const entries = encoded(20, buffers);
  expect(entries.memory.length).toBe(1_000_000);
  expect(entries.pages?.buffer).toBe(entries.memory.buffer);
  expect(copied(entries)).toEqual(expected);
});

test('the pages are whole when the sums need more memory than there is', () => {
  const expected = copied(encoded(50, new SpareBuffers()));
  const end = expected.pages?.length ?? 0;
  // Room for the pages, and for a part of the sums.
  const buffers = { take: () => Buffer.allocUnsafeSlow(end + 100) } as unknown as SpareBuffers;
  const entries = encoded(50, buffers);
  expect(entries.memory.length).toBeGreaterThan(end + 100);
  expect(copied(entries)).toEqual(expected);
});

test('batches that are under way at once have memory of their own', () => {
  const buffers = new SpareBuffers();
  const first = encoded(5, buffers);
  const expected = copied(first);
  encoded(7, buffers);
  expect(copied(first)).toEqual(expected);
});
