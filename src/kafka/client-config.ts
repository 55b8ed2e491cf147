import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { KafkaConfig, LogEntry } from 'kafkajs';
import type { Logger } from '../config/logger.ts';
import type { Settings } from '../config/settings.ts';
import { messageOf, WrongUsageError } from '../errors.ts';
import { escapeIpv6, withIpv6Unescaped } from './ipv6.ts';
import { saslOptions } from './sasl/sasl-options.ts';
import { watchedSockets } from './watched-socket.ts';

/** After this kafkajs gives up a request, but for a join. */
const REQUEST_TIMEOUT_MS = 10_000;
const CONNECTION_TIMEOUT_MS = 5_000;
/** Less than that: see `watchedSockets`. */
const SILENCE_MS = 8_000;
/** A rebalance ends within its time-out, a minute. */
const JOIN_MS = 70_000;

/**
 * How long before the end of a session (KIP-368) a connection authenticates again. kafkajs would by 10 s:
 * when a session is shorter than that, before every request, which brokers refuse to do more than once
 * per second. A session that ends on the way costs a connection, which kafkajs replaces.
 */
const REAUTHENTICATION_MS = 1_500;

/** Few and quick attempts: the caller decides what is worth more of them. */
const RETRIES = 5;

export interface KafkaOptions {
  /** How often a request is tried again. */
  readonly retries?: number;
}

/**
 * What the settings say, as kafkajs takes it. Does not load kafkajs.
 *
 * @throws {WrongUsageError} when a TLS file cannot be used
 */
export function kafkaConfig(
  settings: Settings,
  logger: Logger,
  // So that every broker has its turn: each attempt to connect takes the next one.
  { retries = Math.max(RETRIES, settings.KAFKA_BROKERS.length) }: KafkaOptions = {},
): KafkaConfig {
  const config: KafkaConfig = {
    brokers: settings.KAFKA_BROKERS.map(escapeIpv6),
    clientId: settings.KAFKA_CLIENT_ID,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    reauthenticationThreshold: REAUTHENTICATION_MS,
    socketFactory: withIpv6Unescaped(watchedSockets({ silenceMs: SILENCE_MS, joinMs: JOIN_MS })),
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries },
    logCreator: () => (entry) => logEntry(logger, entry),
  };
  if (settings.KAFKA_SSL) config.ssl = tlsOptions(settings);
  const sasl = saslOptions(settings, logger);
  if (sasl !== undefined) config.sasl = sasl;
  return config;
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
    // Given a CA file without a certificate in it, Node would only report that no peer is trusted.
    if (options['ca'] !== undefined) new X509Certificate(options['ca']);
    createSecureContext(options);
  } catch (error) {
    throw new WrongUsageError(
      `KAFKA_SSL_CA_FILE, _CERT_FILE, _KEY_FILE: not usable: ${messageOf(error)}`,
    );
  }
  return options;
}

/** UNKNOWN_TOPIC_OR_PARTITION, in kafkajs's words. */
const NO_SUCH_TOPIC = 'This server does not host this topic-partition';

/**
 * Whether it is about a topic that does not exist: logged at each attempt, without its name. Whoever asked
 * for the topic reports that by itself, with the name.
 */
function isOfMissingTopic(message: string, error: unknown): boolean {
  return error === NO_SUCH_TOPIC && message.startsWith('Response Metadata');
}

/**
 * What kafkajs calls an error it often recovers from by itself: it is a warning here, and what kafkajs
 * calls information is for debugging. Of the details, requests and stack traces are left out.
 */
function logEntry(logger: Logger, { label, namespace, log }: LogEntry): void {
  const { error, broker, groupId, topic, partition } = log;
  // kafkajs logs some errors in the place of a message.
  const message = messageOf(log.message);
  const fields = { kafkajs: namespace, error, broker, groupId, topic, partition };
  const isProblem = label === 'ERROR' || label === 'WARN';
  if (isProblem && !isOfMissingTopic(message, error)) logger.warn(fields, message);
  else logger.debug(fields, message);
}
