import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../deploy/grafana/dashboards', import.meta.url));

interface Target {
  readonly expr: string;
  readonly legendFormat?: string;
}

export interface Panel {
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly y: number; readonly h: number };
  /** A row has none. */
  readonly targets?: readonly Target[];
}

export interface Dashboard {
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { name: string; allValue?: string }[] };
}

/** The dashboards of `deploy/`, by the name of their file. */
export function readDashboards(): Map<string, Dashboard> {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
  return new Map(
    files.map((file) => [
      basename(file, '.json'),
      JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Dashboard,
    ]),
  );
}

/** What Grafana asks Prometheus for a target when every variable is at "All". */
export function queryOf(dashboard: Dashboard, { expr }: Target, rateIntervalS: number): string {
  let query = expr.replaceAll('$__rate_interval', `${rateIntervalS}s`);
  for (const { name, allValue } of dashboard.templating.list) {
    if (allValue !== undefined) query = query.replaceAll(`$${name}`, allValue);
  }
  if (query.includes('$')) throw new Error(`a variable without a value: ${query}`);
  return query;
}
