import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { SETTINGS } from '../../src/config/settings.ts';
import { IMAGES } from '../../tools/stack/versions.ts';
import { type ComposeService, readCompose, textOf } from './compose.ts';

const { services, volumes } = readCompose();
const { version } = JSON.parse(textOf('package.json')) as { version: string };
const OURS = `usage-ledger:${version}`;
const all = Object.entries(services);
/** Services that stay; the others are jobs, which end. */
const staying = all.filter(([, { restart }]) => restart !== undefined);
const ours = all.filter(([, { image }]) => image === OURS);

describe('each service of docker-compose.yml', () => {
  test.each(all)('%s has an image with a version', (_, { image }) => {
    expect(image).toMatch(/:v?\d+(\.\d+)*(\.Final)?$/);
  });

  test.each(all)('%s publishes its ports on loopback only', (_, { ports }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test.each(all)('%s has no secret in its environment', (_, { environment }) => {
    for (const [name, value] of Object.entries(environment)) {
      if (/PASSWORD|SECRET|TOKEN|DATABASE_URL/.test(name)) {
        expect(name).toMatch(/_FILE$/);
        expect(value).toMatch(/^\/run\/usage-ledger\//);
      }
      expect(String(value)).not.toMatch(/:\/\/[^/]*@/);
    }
  });

  test.each(all)('%s keeps data in declared volumes, or mounts files that are there', (_, s) => {
    for (const volume of s.volumes) {
      const [source = '', , mode] = volume.split(':');
      if (source.startsWith('./')) {
        expect(existsSync(new URL(`../../${source}`, import.meta.url)), source).toBe(true);
        expect(mode).toBe('ro');
      } else expect(Object.keys(volumes)).toContain(source);
    }
  });

  test.each(all)(
    '%s waits for services until they can serve, and for jobs until they are done',
    (_, s) => {
      for (const [name, { condition }] of Object.entries(s.depends_on)) {
        const awaited = services[name];
        expect(awaited, name).toBeDefined();
        expect(condition).toBe(
          awaited?.restart === undefined ? 'service_completed_successfully' : 'service_healthy',
        );
      }
    },
  );
});

// The image of the worker has a health check of its own.
test.each(staying.filter(([, { image }]) => image !== OURS))('%s has a health check', (_, s) => {
  expect(s.healthcheck?.test[0]).toMatch(/^CMD/);
});

test('only workers have the health check of the image, which asks for their HTTP server', () => {
  const checked = staying.filter(([, s]) => s.image === OURS && s.healthcheck === undefined);
  expect(checked.map(([name]) => name)).toEqual(['worker']);
});

test('one service builds the image that the others of ours use, with its version as label', () => {
  expect(ours.filter(([, { build }]) => build !== undefined)).toHaveLength(1);
  expect(textOf('Dockerfile')).toContain(`\nARG VERSION=${version}\n`);
});

test.each(ours)('%s runs with a read-only file system and known settings', (_, service) => {
  expect(service.read_only).toBe(true);
  const names = Object.keys(service.environment).map((name) => name.replace(/_FILE$/, ''));
  for (const name of names) expect(Object.keys(SETTINGS)).toContain(name);
});

test('the image sets only known settings, and what Node.js reads', () => {
  const dockerfile = textOf('Dockerfile');
  const names = [...dockerfile.matchAll(/^(?:ENV| {3}) ([A-Z_]+)=/gm)].map(([, name]) => name);
  expect(names).toEqual(['NODE_ENV', 'NODE_OPTIONS', 'HTTP_HOST', 'HTTP_PORT']);
});

test('the services are those of the development stack', () => {
  const images = (['kafka', 'registry', 'postgres'] as const).map((name) => services[name]?.image);
  expect(images).toEqual(Object.values(IMAGES));
});

test('Kafka is reached by containers and by the machine, each at its own address', () => {
  const { environment, ports } = serviceOf('kafka');
  const advertised = String(environment['KAFKA_ADVERTISED_LISTENERS']).split(',');
  expect(advertised.map((listener) => listener.replace(/^\w+:\/\//, ''))).toEqual([
    serviceOf('worker').environment['KAFKA_BROKERS'],
    '127.0.0.1:9092',
  ]);
  expect(ports).toEqual(['127.0.0.1:9092:9092']);
});

test('data outlives its container: of Kafka, the registry and Postgres 18', () => {
  expect(serviceOf('kafka').volumes).toContain(
    `kafka:${serviceOf('kafka').environment['KAFKA_LOG_DIRS']}`,
  );
  expect(serviceOf('postgres').volumes).toContain('postgres:/var/lib/postgresql');
  expect(serviceOf('registry').volumes).toContain('registry:/registry');
  expect(serviceOf('registry').environment['REGISTRY_DATASOURCE_URL']).toMatch(
    /^jdbc:h2:file:\/registry\/.*;WRITE_DELAY=0$/,
  );
});

test('a worker is killed only after its drain has had its time', () => {
  const grace = Number.parseInt(serviceOf('worker').stop_grace_period ?? '', 10);
  expect(grace).toBeGreaterThan(Number(SETTINGS.SHUTDOWN_TIMEOUT_S.fallback));
});

test.each([
  ['demo', ['simulator']],
  ['observe', ['grafana', 'prometheus']],
  ['command', ['ledger']],
])('profile %s adds %j', (profile, names) => {
  const found = all.filter(([, { profiles }]) => profiles.includes(profile)).map(([name]) => name);
  expect(found.sort()).toEqual(names);
});

test('Prometheus scrapes the workers, and Grafana has it as data source', () => {
  const prometheus = parse(textOf('deploy/prometheus/prometheus.yml')) as {
    scrape_configs: { dns_sd_configs: unknown[] }[];
  };
  expect(prometheus.scrape_configs[0]?.dns_sd_configs).toMatchObject([
    { names: ['worker'], port: Number(SETTINGS.HTTP_PORT.fallback) },
  ]);
  const { datasources } = parse(
    textOf('deploy/grafana/provisioning/datasources/prometheus.yml'),
  ) as { datasources: unknown[] };
  expect(datasources).toMatchObject([{ uid: 'prometheus', url: 'http://prometheus:9090' }]);
  const { providers } = parse(
    textOf('deploy/grafana/provisioning/dashboards/usage-ledger.yml'),
  ) as { providers: { options: { path: string } }[] };
  expect(serviceOf('grafana').volumes).toContain(
    `./deploy/grafana/dashboards:${providers[0]?.options.path}:ro`,
  );
});

function serviceOf(name: string): ComposeService {
  const found = services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}
