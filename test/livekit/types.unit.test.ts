import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generateTypes } from '../../scripts/generate-types.ts';

test('src/livekit/types.ts is what the schemas generate', () => {
  const file = new URL('../../src/livekit/types.ts', import.meta.url);
  expect(readFileSync(file, 'utf8')).toBe(generateTypes());
});
