import { runWorker } from '../dist/cli/run-worker.js';
import { createLogger } from '../dist/config/logger.js';
import { loadSettings } from '../dist/config/settings.js';
import { createKafka } from '../dist/kafka/client.js';
import { openDatabase } from '../dist/postgres/database.js';
import { createRegistry } from '../dist/registry/schema-registry.js';

/** A worker, built, in a process of its own that drains a topic and prints what that took, as JSON. */
const settings = loadSettings(process.env, ['kafka', 'registry', 'database']);
const logger = createLogger(settings.LOG_LEVEL);
const database = openDatabase(settings, settings.DATABASE_POOL_SIZE + 2);
const cpu = process.cpuUsage();
const begun = performance.now();
let lastCommit = begun;
let batches = 0;
const { counts } = await runWorker({
  settings,
  logger,
  database,
  kafka: createKafka(settings, logger),
  registry: createRegistry(settings),
  untilCaughtUp: true,
  signal: new AbortController().signal,
  onStep: (step) => {
    if (step !== 'committed') return;
    lastCommit = performance.now();
    batches += 1;
  },
});
const { user, system } = process.cpuUsage(cpu);
await database.end();
process.stdout.write(
  `${JSON.stringify({
    counts,
    batches,
    seconds: (lastCommit - begun) / 1_000,
    cpuSeconds: (user + system) / 1e6,
    peakRssMb: process.resourceUsage().maxRSS / 1_024,
  })}\n`,
);
process.exit(0);
