import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { Kafka, type KafkaConfig, logLevel, type SASLOptions } from 'kafkajs';
import type { Logger } from '../config/logger.ts';
import type { Settings } from '../config/settings.ts';
import { messageOf, WrongUsageError } from '../errors.ts';
import { escapeIpv6, withIpv6Unescaped } from './ipv6.ts';
import { watchedSockets } from './watched-socket.ts';

/** A broker that does not answer within this is taken for gone. */
const REQUEST_TIMEOUT_MS = 10_000;
const CONNECTION_TIMEOUT_MS = 5_000;
/** Before kafkajs gives the request up: a connection that is closed it replaces. */
const SILENCE_MS = 8_000;
/** A group is shared out anew within its rebalance time-out, a minute. */
const JOIN_MS = 70_000;

/** Few and quick tries: what goes on for longer is decided by whoever asked. */
const RETRIES = 5;

export interface KafkaOptions {
  /** How often a request is tried again. */
  readonly retries?: number;
}

/** A kafkajs client as the settings say; its log goes to `logger`. */
export function createKafka(
  settings: Settings,
  logger: Logger,
  // So that every broker has its turn: each attempt to connect takes the next one.
  { retries = Math.max(RETRIES, settings.KAFKA_BROKERS.length) }: KafkaOptions = {},
): Kafka {
  const config: KafkaConfig = {
    brokers: settings.KAFKA_BROKERS.map(escapeIpv6),
    clientId: settings.KAFKA_CLIENT_ID,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    socketFactory: withIpv6Unescaped(watchedSockets({ silenceMs: SILENCE_MS, joinMs: JOIN_MS })),
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries },
    logCreator: () => (entry) => logEntry(logger, entry),
  };
  if (settings.KAFKA_SSL) config.ssl = tlsOptions(settings);
  const sasl = saslOptions(settings);
  if (sasl !== undefined) config.sasl = sasl;
  return new Kafka(config);
}

function tlsOptions(settings: Settings): NonNullable<KafkaConfig['ssl']> {
  const files = {
    ca: settings.KAFKA_SSL_CA_FILE,
    cert: settings.KAFKA_SSL_CERT_FILE,
    key: settings.KAFKA_SSL_KEY_FILE,
  };
  const options: Record<string, string> = {};
  for (const [name, file] of Object.entries(files)) {
    if (file === undefined) continue;
    try {
      options[name] = readFileSync(file, 'utf8');
    } catch (error) {
      throw new WrongUsageError(`KAFKA_SSL_${name.toUpperCase()}_FILE: ${messageOf(error)}`);
    }
  }
  try {
    // Of an authority without a certificate in it, Node would only say that nobody is trusted.
    if (options['ca'] !== undefined) new X509Certificate(options['ca']);
    createSecureContext(options);
  } catch (error) {
    throw new WrongUsageError(
      `KAFKA_SSL_CA_FILE, _CERT_FILE, _KEY_FILE: not usable: ${messageOf(error)}`,
    );
  }
  return options;
}

function saslOptions(settings: Settings): SASLOptions | undefined {
  const mechanism = settings.KAFKA_SASL_MECHANISM;
  if (mechanism === undefined) return undefined;
  const username = settings.KAFKA_SASL_USERNAME ?? '';
  const password = settings.KAFKA_SASL_PASSWORD ?? '';
  // kafkajs declares a union by mechanism, whose members are alike.
  return { mechanism, username, password } as SASLOptions;
}

interface KafkaLogEntry {
  level: logLevel;
  namespace: string;
  log: { message: string; [key: string]: unknown };
}

/**
 * kafkajs calls many things an error that it then mends by itself; they are warnings here, and what
 * it tells as information is for debugging. Only what it says is kept, not the requests.
 */
function logEntry(logger: Logger, { level, namespace, log }: KafkaLogEntry): void {
  const { message, error, broker, groupId, topic, partition } = log;
  const fields = { kafkajs: namespace, error, broker, groupId, topic, partition };
  if (level === logLevel.ERROR || level === logLevel.WARN) logger.warn(fields, message);
  else logger.debug(fields, message);
}
