import { afterAll, beforeAll, expect, test } from 'vitest';
import { newWorld, type World } from '../support/world.ts';
import { poison } from './poison.ts';

const POISON = 5_000;
const SEED = 20_261_124;

let world: World;
beforeAll(async () => {
  world = await newWorld(2);
});
afterAll(async () => {
  await world.close();
});

test(`${POISON} malformed messages are each applied or refused with a reason, and the recorded calls among them are billed exactly`, async () => {
  const { problems, counts, reasons } = await poison(world, POISON, SEED);

  expect(problems).toEqual([]);
  expect(counts['dead_letter']).toBeGreaterThan(POISON / 4);
  expect(Object.keys(reasons)).toEqual(
    expect.arrayContaining(['undecodable', 'not_avro_framed', 'unknown_schema', 'invalid_value']),
  );
});
