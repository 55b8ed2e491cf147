import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findProgram } from '../support/programs.ts';

const FOLDER = fileURLToPath(new URL('../../deploy/prometheus', import.meta.url));
const promtool = (...args: string[]) =>
  execFileSync(findProgram('promtool') ?? 'promtool', args, { cwd: FOLDER, encoding: 'utf8' });

test('the alerts are rules that Prometheus accepts', () => {
  expect(promtool('check', 'rules', 'alerts.yml')).toContain('SUCCESS');
});

test('each alert fires for what it is about, and not for what resembles it', () => {
  expect(promtool('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS');
});
