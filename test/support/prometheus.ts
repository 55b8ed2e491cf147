import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import getPort from 'get-port';
import { findProgram } from './programs.ts';
import { until } from './until.ts';

const ALERTS = fileURLToPath(new URL('../../deploy/prometheus/alerts.yml', import.meta.url));
/** An outage of a test is shorter than one that somebody should be woken for. */
const SHORTER: readonly [RegExp, string][] = [
  [/^( +for: ).+$/gm, '$11s'],
  [/\[5m\]/g, '[20s]'],
  [/lag_seconds\) > 300/g, 'lag_seconds) > 3'],
  [/age_seconds\) > 600/g, 'age_seconds) > 65'],
  [/assignments_total\[10m\]\) > 10/g, 'assignments_total[10m]) > 2'],
];

export interface Alert {
  readonly name: string;
  readonly summary: string;
}

/** A real Prometheus that scrapes workers and evaluates the alerts of `deploy/`. */
export interface Prometheus {
  readonly url: string;
  firing(): Promise<readonly Alert[]>;
  /** Whether it has scraped a series. */
  has(series: string): Promise<boolean>;
  stop(): Promise<void>;
}

/** @param targets HTTP addresses of workers */
export async function startPrometheus(
  targets: readonly string[],
  scrapeS = 1,
): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
  let rules = readFileSync(ALERTS, 'utf8');
  for (const [pattern, shorter] of SHORTER) {
    const changed = rules.replace(pattern, shorter);
    if (changed === rules) throw new Error(`alerts.yml has no ${pattern}`);
    rules = changed;
  }
  writeFileSync(join(folder, 'alerts.yml'), rules);
  const config = {
    global: { scrape_interval: `${scrapeS}s`, evaluation_interval: '1s' },
    rule_files: ['alerts.yml'],
    scrape_configs: [{ job_name: 'usage-ledger', static_configs: [{ targets }] }],
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const port = await getPort();
  const child = spawn(
    findProgram('prometheus') ?? 'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  const ended = new Promise((resolve) => child.once('close', resolve));
  const url = `http://127.0.0.1:${port}`;
  const ask = async (path: string) => {
    const response = await fetch(url + path);
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return (await response.json()) as { data: Record<string, unknown[]> };
  };
  await until('Prometheus is ready', () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return {
    url,
    async firing() {
      const { data } = await ask('/api/v1/alerts');
      const alerts = data['alerts'] as {
        state: string;
        labels: { alertname: string };
        annotations: { summary: string };
      }[];
      return alerts
        .filter(({ state }) => state === 'firing')
        .map(({ labels, annotations }) => ({
          name: labels.alertname,
          summary: annotations.summary,
        }));
    },
    async has(series) {
      const { data } = await ask(`/api/v1/query?query=${encodeURIComponent(series)}`);
      return (data['result'] ?? []).length > 0;
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
