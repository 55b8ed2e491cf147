import { join } from 'node:path';
import { withAdmin } from '../../src/kafka/admin.ts';
import { loadEnvelopeSchema, loadMetricSchema } from '../../src/schemas/load.ts';
import { METRIC_RECORDS } from '../../src/schemas/metric-records.ts';
import { recordedCalls } from '../../tools/demo/recorded-calls.ts';
import { bareEnvironment } from '../../tools/stack/child-environment.ts';
import { javaCommand } from '../../tools/stack/java.ts';
import { runToEnd } from '../../tools/stack/managed-process.ts';
import { fetchArtifact, KAFKA_ARTIFACT } from '../../tools/stack/maven.ts';
import { KAFKA_VERSION } from '../../tools/stack/versions.ts';
import { billCalls, type Scene } from './bill.ts';
import { writeEvents, writeMessages } from './call-messages.ts';
import type { Combination, Lab } from './combination.ts';
import { goProgram, JAVA, PYTHON, pinnedVersion, pythonPackages } from './tools.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const FRANZ_GO = 'github.com/twmb/franz-go';

export const producers: readonly Combination[] = [
  ...CODECS.map((codec) => confluentPython(codec, { 'compression.type': codec })),
  confluentPython('idempotent', { 'enable.idempotence': true }),
  confluentPython('transactions, some aborted', { 'transactional.id': 'calls' }),
  confluentPython('subjects by record', {}, 'record'),
  confluentPython('subjects by topic and record', {}, 'topic-record'),
  ...['kafka-python', 'aiokafka'].flatMap((client) => CODECS.map((codec) => python(client, codec))),
  ...CODECS.map((codec) => java(codec, [`compression.type=${codec}`])),
  java('transactions, some aborted', ['transactional.id=calls']),
  ...CODECS.map(go),
];

/** Encodes by itself, with the schemas that it registers. */
function confluentPython(
  what: string,
  settings: Readonly<Record<string, string | boolean>>,
  naming: 'topic' | 'record' | 'topic-record' = 'topic',
): Combination {
  return combination(
    'confluent-kafka',
    what,
    pinnedVersion('confluent-kafka'),
    async (lab, scene) => {
      const schemas = {
        AgentMetricsEvent: JSON.stringify(loadEnvelopeSchema()),
        ...Object.fromEntries(
          METRIC_RECORDS.map(({ record }) => [record, JSON.stringify(loadMetricSchema(record))]),
        ),
      };
      const events = await writeEvents(lab);
      const { urls, topic } = scene;
      const { kafkaBrokers: brokers, schemaRegistryUrl: registry } = urls;
      const options = { brokers, registry, topic, events, schemas, naming, settings };
      await runPython(lab, 'produce_with_schema.py', options);
    },
  );
}

function python(client: string, codec: string): Combination {
  return combination(client, codec, pinnedVersion(client), async (lab, scene) => {
    const messages = await writeMessages(lab, scene);
    const brokers = scene.urls.kafkaBrokers;
    const options = { client, brokers, topic: scene.topic, codec, messages };
    await runPython(lab, 'produce_encoded.py', options);
  });
}

function java(what: string, settings: readonly string[]): Combination {
  return combination('Java kafka-clients', what, KAFKA_VERSION, async (lab, scene) => {
    const libraries = await fetchArtifact(KAFKA_ARTIFACT, lab.context);
    const messages = await writeMessages(lab, scene);
    await run(lab, {
      file: javaCommand(lab.context.env),
      args: [
        '-XX:-UsePerfData',
        '-cp',
        join(libraries, '*'),
        join(JAVA, 'ProduceEncoded.java'),
        scene.topic,
        messages,
        `bootstrap.servers=${scene.urls.kafkaBrokers}`,
        ...settings,
      ],
    });
  });
}

function go(codec: string): Combination {
  return combination('franz-go', codec, pinnedVersion(FRANZ_GO), async (lab, scene) => {
    const file = await goProgram(lab);
    const messages = await writeMessages(lab, scene);
    const args = ['produce', scene.urls.kafkaBrokers, scene.topic, codec, messages];
    await run(lab, { file, args });
  });
}

function combination(
  client: string,
  what: string,
  version: string,
  send: (lab: Lab, scene: Scene) => Promise<void>,
): Combination {
  return {
    kind: 'producer',
    what: `${client}, ${what}`,
    version,
    run: (lab) =>
      billCalls(lab, lab.services, async (scene) => {
        await createTopic(scene);
        await send(lab, scene);
        return { messages: recordedCalls().events.length, deadLetters: 0 };
      }),
  };
}

async function createTopic({ kafka, topic }: Scene): Promise<void> {
  await withAdmin(kafka, (admin) =>
    admin.createTopics({ topics: [{ topic, numPartitions: 4 }], waitForLeaders: true }),
  );
}

async function runPython(lab: Lab, script: string, options: object): Promise<void> {
  const packages = await pythonPackages(lab);
  await run(lab, {
    file: 'python3',
    args: [join(PYTHON, script), JSON.stringify(options)],
    // No compiled files next to the scripts.
    env: { PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1' },
  });
}

async function run(
  { context }: Lab,
  { file, args, env = {} }: { file: string; args: string[]; env?: Record<string, string> },
): Promise<void> {
  const { watchdog } = context;
  await runToEnd(watchdog, 'The producer', {
    file,
    args,
    env: { ...bareEnvironment(context.env), ...env },
    log: join(watchdog.scratch, 'producer.log'),
  });
}
