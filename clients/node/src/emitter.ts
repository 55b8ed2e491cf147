import { Kafka, type KafkaConfig, logLevel, Partitioners } from 'kafkajs';
import { Attachment, type Metric, type MetricEvents } from './attachment.ts';
import { toWire } from './convert.ts';
import { Delivery, type Stats } from './delivery.ts';
import { forgetPartialResponses } from './partial-responses.ts';
import { restWhenEmpty } from './request-queue.ts';
import { schemaIdOf } from './schema-id.ts';
import { SharedMetrics } from './shared-metrics.ts';
import { Sockets } from './sockets.ts';
import { encode } from './wire.ts';

export interface EmitterOptions {
  /** `host:port` of each broker. */
  readonly brokers: readonly string[];
  /** Address of a registry with Confluent's API. */
  readonly schemaRegistryUrl: string;
  readonly schemaRegistryUsername?: string;
  readonly schemaRegistryPassword?: string;
  /** Whether the schema may be registered if it is not there yet; true by default. */
  readonly registerSchema?: boolean;
  /** `agent-metrics` by default; its subject is `<topic>-value`. */
  readonly topic?: string;
  /** Bound of what waits, about 500 bytes per event; 16 MiB by default. */
  readonly bufferMaxBytes?: number;
  /** How long `close` waits for the brokers' acknowledgements; 10,000 ms by default. */
  readonly closeTimeoutMs?: number;
  /** Further settings of kafkajs, such as `ssl` and `sasl`. */
  readonly kafka?: Omit<Partial<KafkaConfig>, 'brokers' | 'retry'>;
  /** Where warnings go; by default `console.warn`. */
  readonly warn?: (message: string) => void;
}

/** Which call a metric belongs to. */
export interface EmitOptions {
  /** Names the call in the ledger; not empty. */
  readonly sessionId: string;
  /** The account to bill; left open by default. */
  readonly accountId?: string | null;
  /** Labels, kept with the session. */
  readonly attributes?: Readonly<Record<string, string>>;
}

const BUFFER_MAX_BYTES = 16 * 1_048_576;
const CLOSE_TIMEOUT_MS = 10_000;

/**
 * Sends usage metrics of `@livekit/agents` to a Kafka topic in the background. Nothing here throws into a
 * call or grows without bound: events wait in a buffer while brokers or registry are away, the oldest are
 * dropped when it is full, and `stats` says what became of them. To send an event twice is harmless: the
 * ledger counts it once.
 */
export class UsageEmitter {
  readonly #delivery: Delivery;
  readonly #closeTimeoutMs: number;
  readonly #warn: (message: string) => void;
  readonly #shared: SharedMetrics;
  readonly #unknownFields = new Set<string>();
  #closed: Promise<void> | undefined;

  /** @throws for an empty list of brokers and for an address of the registry that is none */
  constructor(options: EmitterOptions) {
    const { brokers, schemaRegistryUrl, topic = 'agent-metrics', kafka = {} } = options;
    if (brokers.length === 0) throw new Error('brokers must not be empty');
    if (!URL.canParse(schemaRegistryUrl)) {
      throw new Error(`schemaRegistryUrl is not an address: ${schemaRegistryUrl}`);
    }
    this.#warn = neverThrowing(options.warn ?? warnOnConsole);
    this.#shared = new SharedMetrics(this.#warn);
    this.#closeTimeoutMs = options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS;
    const registry = {
      url: schemaRegistryUrl,
      username: options.schemaRegistryUsername,
      password: options.schemaRegistryPassword,
      register: options.registerSchema ?? true,
    };
    const sockets = new Sockets(kafka.socketFactory);
    restWhenEmpty();
    forgetPartialResponses();
    const client = new Kafka({
      clientId: 'usage-ledger-emitter',
      logLevel: logLevel.NOTHING,
      ...kafka,
      brokers: [...brokers],
      socketFactory: sockets.factory,
      // Delivery retries; the timers of kafkajs would keep a process running after close().
      retry: { retries: 0 },
    });
    this.#delivery = new Delivery({
      producer: client.producer({
        allowAutoTopicCreation: false,
        createPartitioner: Partitioners.DefaultPartitioner,
      }),
      topic,
      maxBytes: options.bufferMaxBytes ?? BUFFER_MAX_BYTES,
      schemaId: (signal) => schemaIdOf(registry, `${topic}-value`, signal),
      abandon: () => sockets.destroy(),
      warn: this.#warn,
    });
  }

  /**
   * Sends every metric of `session` from now on, and its own usage report when it closes.
   *
   * @param session an `AgentSession`; nothing is required of it but `on`
   * @throws for an empty session id
   */
  attach(session: MetricEvents, options: EmitOptions): void {
    if (!options.sessionId) throw new Error('sessionId must not be empty');
    const attachment = new Attachment(session);
    let usage: readonly Metric[] | undefined;
    session.on('metrics_collected', (event) => {
      this.#guarded(options, () => {
        const { metrics } = event as { readonly metrics: Metric };
        this.#shared.note(metrics, options.sessionId);
        const metric = attachment.correct(metrics);
        if (metric !== undefined) this.emit(metric, options);
      });
    });
    session.on('session_usage_updated', (event) => {
      usage = (event as UsageEvent | null | undefined)?.usage?.modelUsage;
    });
    session.on('close', () => {
      if (usage === undefined) return;
      const report = { type: 'session_usage_report', timestamp: Date.now(), modelUsage: usage };
      usage = undefined;
      this.emit(report, options);
    });
  }

  /** Queues one metric. Never throws: what cannot be encoded is warned of and counted as failed. */
  emit(metric: object, options: EmitOptions): void {
    this.#guarded(options, () => {
      const { sessionId, accountId = null, attributes = {} } = options;
      if (!sessionId) throw new Error('sessionId must not be empty');
      const { type } = metric as Metric;
      const fields = toWire(metric as Metric);
      const { body, unknown } = encode(type, fields, sessionId, accountId, attributes);
      for (const field of unknown) this.#warnOfField(field);
      this.#delivery.add({ key: sessionId, body });
    });
  }

  /** Waits until everything is acknowledged, `timeoutMs` at most; whether it is. */
  flush(timeoutMs: number): Promise<boolean> {
    return this.#delivery.flush(timeoutMs);
  }

  /**
   * Waits for acknowledgements, `closeTimeoutMs` at most, and ends; warns of what was lost. Does not
   * reject. Afterwards nothing of the emitter keeps the process running.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** How many events were sent, failed and dropped so far. */
  get stats(): Stats {
    return this.#delivery.stats;
  }

  async #close(): Promise<void> {
    const left = await this.#delivery.close(this.#closeTimeoutMs);
    const lost = this.stats.dropped - left;
    if (lost > 0) this.#warn(`${lost} usage events were dropped because the buffer was full`);
    if (left > 0) {
      const seconds = this.#closeTimeoutMs / 1_000;
      this.#warn(`${left} usage events were not acknowledged within ${seconds} s and are lost`);
    }
  }

  #guarded({ sessionId }: EmitOptions, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#delivery.fail();
      const why = error instanceof Error ? error.message : String(error);
      this.#warn(`session ${sessionId}: a usage event cannot be sent: ${why}`);
    }
  }

  #warnOfField(field: string): void {
    if (this.#unknownFields.has(field)) return;
    this.#unknownFields.add(field);
    this.#warn(
      `${field} is unknown to this version of usage-ledger-emitter and is not sent; upgrade it`,
    );
  }
}

interface UsageEvent {
  readonly usage?: { readonly modelUsage?: readonly Metric[] };
}

function warnOnConsole(message: string): void {
  console.warn(`usage-ledger-emitter: ${message}`);
}

/** A logger that fails must not end the call. */
function neverThrowing(warn: (message: string) => void): (message: string) => void {
  return (message) => {
    try {
      warn(message);
    } catch {
      // There is no other place to say it.
    }
  };
}
