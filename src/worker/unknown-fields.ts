import type { Logger } from '../config/logger.ts';
import type { SchemaEntries } from '../decode/avro/schema-cache.ts';
import type { Batch } from '../records/message.ts';
import type { TopicPartition } from '../records/topic-partition.ts';
import { metricRecordName } from '../schemas/metric-records.ts';

/** More are not listed in the log: whoever may write to the registry decides how many there are. */
const MOST_LISTED = 20;

/** Watches for schemas with fields that this build does not know, and so does not bill. */
export class UnknownFields {
  readonly #logger: Logger;
  readonly #onMessages: (where: TopicPartition, count: number) => void;
  readonly #logged = new Set<number>();

  /** @param onMessages how many messages of a batch are of a metric that has such fields */
  constructor(logger: Logger, onMessages: (where: TopicPartition, count: number) => void) {
    this.#logger = logger;
    this.#onMessages = onMessages;
  }

  /**
   * Logs each schema that has such fields once, and counts the messages of a batch that may have them.
   *
   * @param schemaIds those of the messages
   */
  note(batch: Batch, schemaIds: Iterable<number>, schemas: SchemaEntries): void {
    let count = 0;
    for (const id of schemaIds) {
      const entry = schemas.get(id);
      if (entry?.reader === undefined || entry.unknownFields.length === 0) continue;
      const { unknownFields } = entry;
      this.#log(id, unknownFields);
      for (const message of batch.messages) {
        if (message.kind !== 'billable' || message.schemaId !== id) continue;
        const record = `${metricRecordName(message.metricType)}.`;
        if (unknownFields.some((name) => name.startsWith(record))) count += 1;
      }
    }
    if (count > 0) this.#onMessages(batch, count);
  }

  #log(schemaId: number, fields: readonly string[]): void {
    if (this.#logged.has(schemaId)) return;
    this.#logged.add(schemaId);
    this.#logger.warn(
      { schemaId, fields: fields.slice(0, MOST_LISTED), of: fields.length },
      'the schema has fields that this build does not know; what they say is not billed: upgrade the workers',
    );
  }
}
