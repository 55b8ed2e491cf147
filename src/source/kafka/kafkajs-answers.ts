/** A connection to a broker, as far as it is replaced. */
export type ConnectionClass = new (
  ...args: never[]
) => {
  chunks: Buffer[];
  readonly bytesBuffered: number;
  processData(bytes: Buffer): void;
};

/**
 * Replaces what takes answers from a socket. What is left of an answer, which is nothing when answers
 * come whole, kafkajs puts together with the next one: that would be a copy of every answer.
 */
export function answersAsTheyAre(Connection: ConnectionClass): ConnectionClass {
  return class extends Connection {
    override processData(bytes: Buffer): void {
      if (this.bytesBuffered === 0) this.chunks = [];
      super.processData(bytes);
    }
  };
}
