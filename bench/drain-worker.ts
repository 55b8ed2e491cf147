import { runWorker } from '../src/commands/run-worker.ts';
import { createLogger } from '../src/config/logger.ts';
import { loadSettings } from '../src/config/settings.ts';
import { createKafka } from '../src/kafka/client.ts';
import { openDatabase } from '../src/ledger/database.ts';
import { createRegistry } from '../src/registry/schema-registry.ts';

/** A worker in a process of its own that drains a topic and prints what that took, as JSON. */
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
