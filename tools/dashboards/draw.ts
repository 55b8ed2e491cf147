import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Dashboard, type Panel, queryOf, readDashboards } from './dashboard.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const WIDTH = 1_400;
/** As in page.mjs. */
const HEADER = 56;
const ROW = 38;
/** A screen shows so many rows; a panel that is not in them as a whole is left out. */
const SCREEN_ROWS = 21;

export interface Drawing {
  /** The last so many milliseconds are drawn. */
  readonly durationMs: number;
  readonly scrapeS: number;
  /** Where the pictures are written. */
  readonly folder: string;
  /** All rows, not only those of the first screen. */
  readonly isWhole: boolean;
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

/** Draws each dashboard as it is now. */
export async function drawDashboards(prometheusUrl: string, drawing: Drawing): Promise<void> {
  const to = Date.now();
  const range = { from: to - drawing.durationMs, to, stepS: drawing.scrapeS };
  const work = mkdtempSync(join(tmpdir(), 'dashboards-'));
  try {
    bundlePage(join(work, 'page.js'));
    mkdirSync(drawing.folder, { recursive: true });
    for (const [name, dashboard] of readDashboards()) {
      const panels = await Promise.all(
        dashboard.panels.map((panel) => answersFor(panel, dashboard, prometheusUrl, range)),
      );
      const data = { dashboard, answers: panels, ...range };
      const page = join(work, `${name}.html`);
      writeFileSync(page, html(data));
      const ends = dashboard.panels
        .map(({ gridPos: { y, h } }) => y + h)
        .filter((end) => drawing.isWhole || end <= SCREEN_ROWS);
      const height = HEADER + ROW * Math.max(...ends);
      photograph(page, join(drawing.folder, `${name}.png`), height);
    }
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** The series of each target of a panel. */
async function answersFor(
  { title, targets = [] }: Panel,
  dashboard: Dashboard,
  prometheusUrl: string,
  { from, to, stepS }: { from: number; to: number; stepS: number },
) {
  const answer = async (target: (typeof targets)[number]) => {
    const parameters = new URLSearchParams({
      // Grafana's $__rate_interval is four scrapes, or more when a step is longer than one.
      query: queryOf(dashboard, target, 4 * stepS),
      start: String(from / 1_000),
      end: String(to / 1_000),
      step: String(stepS),
    });
    const response = await fetch(`${prometheusUrl}/api/v1/query_range?${parameters}`);
    if (!response.ok) throw new Error(`${title}: ${await response.text()}`);
    const { data } = (await response.json()) as { data: { result: Series[] } };
    const series = data.result.map(({ metric, values }) => ({
      metric,
      times: values.map(([seconds]) => Math.round(seconds * 1_000)),
      values: values.map(([, value]) => Number(value)),
    }));
    return { ...target, series };
  };
  return await Promise.all(targets.map(answer));
}

function html(data: object): string {
  const json = JSON.stringify(data).replaceAll('<', '\\u003c');
  return `<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="page.css"><main></main>
<script>globalThis.drawing = ${json};</script><script src="page.js"></script>`;
}

/** Grafana's components are installed here, and not with the repository: they are large. */
function bundlePage(script: string): void {
  const flags = ['--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'];
  execFileSync('npm', ['install', '--prefix', HERE, '--loglevel=error', ...flags]);
  const page = join(HERE, 'page.mjs');
  const esbuild = createRequire(page).resolve('esbuild/bin/esbuild');
  const options = ['--bundle', '--minify', '--loader:.ttf=dataurl', '--log-level=error'];
  execFileSync(process.execPath, [esbuild, page, `--outfile=${script}`, ...options]);
}

function photograph(page: string, picture: string, height: number): void {
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars'];
  const size = `--window-size=${WIDTH},${height}`;
  const budget = '--virtual-time-budget=10000';
  execFileSync('chromium', [...flags, size, budget, `--screenshot=${picture}`, page], {
    stdio: 'ignore',
  });
}
