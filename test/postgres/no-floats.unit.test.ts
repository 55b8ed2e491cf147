import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FLOAT = /::\s*(?:float[48]?|real|double precision)\b/;

// A float is printed with one digit where extra_float_digits is -15: 9,500 and 10,400 were the same
// sum, and a halt of 151 s was one of 200 s.
test.each(['src', 'migrations', 'test', 'tools'])('no statement in %s casts to a float', (room) => {
  const files = readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(?:ts|sql)$/.test(file))
    .map((file) => join(room, file));
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter((file) => FLOAT.test(readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
});
