import { startLocalKafka } from '../../tools/stack/local-kafka.ts';
import { KAFKA_VERSION } from '../../tools/stack/versions.ts';
import { billCalls, produceOurselves } from './bill.ts';
import type { Combination, Lab } from './combination.ts';
import { startGoBroker } from './go-services.ts';
import { pinnedVersion } from './tools.ts';

/** Apache Kafka in KRaft mode: the oldest, and one of each line that is still run. */
const VERSIONS = [
  '2.8.2',
  '3.0.2',
  '3.3.2',
  '3.5.2',
  '3.7.2',
  '3.9.2',
  '4.0.2',
  KAFKA_VERSION,
  '4.2.2',
  '4.4.0',
];

/** The last line that still writes messages of the old format, as topics of that time hold them. */
const OLD_FORMAT = {
  'inter.broker.protocol.version': '2.8',
  'log.message.format.version': '0.10.2',
};

export const brokers: readonly Combination[] = [
  ...VERSIONS.map((version) => apacheKafka('', version)),
  apacheKafka(', messages of format 0.10', '2.8.2', OLD_FORMAT),
  apacheKafka(', messages of format 0.10 in gzip', '2.8.2', {
    ...OLD_FORMAT,
    'compression.type': 'gzip',
  }),
  apacheKafka(', its own time and gzip', KAFKA_VERSION, {
    'log.message.timestamp.type': 'LogAppendTime',
    'compression.type': 'gzip',
  }),
  combination(
    'kfake of franz-go',
    pinnedVersion('github.com/twmb/franz-go/pkg/kfake'),
    startGoBroker,
  ),
];

function apacheKafka(
  what: string,
  version: string,
  properties: Readonly<Record<string, string>> = {},
): Combination {
  return combination(`Apache Kafka${what}`, version, async ({ context }) => {
    return (await startLocalKafka(context, { version, properties })).brokers;
  });
}

function combination(
  what: string,
  version: string,
  start: (lab: Lab) => Promise<string>,
): Combination {
  return {
    kind: 'broker',
    what,
    version,
    async run(lab) {
      const kafkaBrokers = await start(lab);
      return await billCalls(lab, { ...lab.services, kafkaBrokers }, produceOurselves);
    },
  };
}
