import { expect, test } from 'vitest';
import { previewPositions } from '../../src/ledger/preview-positions.ts';
import { fakeDatabase } from '../support/fake-database.ts';

test('a dry run reads the newest generation of a topic, not the first one', async () => {
  const { database } = fakeDatabase({
    read_generations: ([topic]) =>
      topic === 'calls'
        ? [
            { generation: 2, topic_id: 'c' },
            { generation: 1, topic_id: 'b' },
          ]
        : [],
  });
  const positions = await previewPositions(database, [
    { topic: 'calls', partition: 3, from: 7 },
    { topic: 'unknown', partition: 0, from: 0 },
  ]);
  expect(positions.get('calls/3')).toMatchObject({ nextOffset: 7, generation: 2 });
  expect(positions.get('unknown/0')).toMatchObject({ nextOffset: 0, generation: 0 });
});
