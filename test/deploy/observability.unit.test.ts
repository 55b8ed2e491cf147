import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { METRIC_GROUPS } from '../../src/http/metrics/metric-list.ts';
import { type MetricSpec, PREFIX } from '../../src/http/metrics/metric-spec.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DASHBOARDS = join(ROOT, 'deploy/grafana/dashboards');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const alerts = read('deploy/prometheus/alerts.yml');
const dashboards = readdirSync(DASHBOARDS).filter((file) => file.endsWith('.json'));

/** Every name of a series that a worker exports, with its labels. */
const SERIES = new Map<string, readonly string[]>();
for (const metrics of Object.values(METRIC_GROUPS)) {
  for (const [name, { type, labels }] of Object.entries<MetricSpec>(metrics)) {
    if (type !== 'histogram') SERIES.set(PREFIX + name, labels);
    else {
      SERIES.set(`${PREFIX}${name}_bucket`, [...labels, 'le']);
      for (const ending of ['_sum', '_count']) SERIES.set(`${PREFIX}${name}${ending}`, labels);
    }
  }
}

/** The selectors of an expression: a series and the labels that it is selected by. */
function selectorsOf(expression: string) {
  return [...expression.matchAll(/(usage_ledger_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', matchers = '']) => ({
      name,
      labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
    }),
  );
}

function expectKnown(expression: string): void {
  const selectors = selectorsOf(expression);
  expect(selectors.length, expression).toBeGreaterThan(0);
  for (const { name, labels } of selectors) {
    expect([...SERIES.keys()], expression).toContain(name);
    for (const label of labels) expect(SERIES.get(name), expression).toContain(label);
  }
}

test('every series and label in an alert is one that a worker exports', () => {
  const expressions = [...alerts.matchAll(/^ +expr: (.+)$/gm)].map(
    ([, expression = '']) => expression,
  );
  expect(expressions.length).toBeGreaterThan(15);
  for (const expression of expressions) expectKnown(expression);
});

test.each(dashboards)(
  'every series and label in the dashboard %s is one that a worker exports',
  (file) => {
    const board = JSON.parse(readFileSync(join(DASHBOARDS, file), 'utf8'));
    const expressions: string[] = board.panels.flatMap(
      ({ targets = [] }: { targets?: { expr: string }[] }) => targets.map(({ expr }) => expr),
    );
    expect(expressions.length).toBeGreaterThan(5);
    for (const expression of expressions) expectKnown(expression);
    for (const { type, query } of board.templating.list) if (type === 'query') expectKnown(query);
  },
);

test('every alert has a runbook with its name, and no runbook is left over', () => {
  const named = [...alerts.matchAll(/- alert: (\w+)[\s\S]*?runbook: (\S+)/g)];
  for (const [, name = '', path = ''] of named) {
    expect(existsSync(join(ROOT, path)), path).toBe(true);
    expect(read(path)).toMatch(new RegExp(`^# ${name}\n`));
  }
  const files = readdirSync(join(ROOT, 'docs/runbooks')).sort();
  expect(files).toEqual(named.map(([, , path = '']) => basename(path)).sort());
});

test('every alert has a test that it fires, and one that it does not', () => {
  const tests = read('deploy/prometheus/alerts.test.yml');
  for (const [, name] of alerts.matchAll(/- alert: (\w+)/g)) {
    expect(tests).toContain(`${name} fires`);
    expect(tests).toContain(`${name} does not fire`);
  }
});
