import type { Kafka } from 'kafkajs';

/** Internals of kafkajs that are used in this room: its version is exact in package.json. */
export interface ClusterOptions {
  readonly allowAutoTopicCreation: boolean;
  readonly isolationLevel?: number;
}

/** How kafkajs makes its clusters: connections with their TLS and SASL, and what is known of the brokers. */
export function createCluster<C>(kafka: Kafka, options: ClusterOptions): C {
  const name = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  if (name === undefined) {
    throw new Error('this version of kafkajs creates its clusters in another way');
  }
  const create = (kafka as unknown as Record<symbol, (options: ClusterOptions) => C>)[name];
  return (create as (options: ClusterOptions) => C)(options);
}
