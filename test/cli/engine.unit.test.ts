import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { SETTINGS } from '../../src/cli/engine.ts';

test('this version of V8 has every setting', () => {
  const options = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  for (const setting of SETTINGS) {
    const name = setting.replace(/^--(no-)?/, '').replace(/=.*/, '');
    expect(options, name).toMatch(new RegExp(`^ +--${name} `, 'm'));
  }
});
