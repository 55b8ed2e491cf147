/** The three services that the stack is made of. */
export type ServiceName = 'kafka' | 'registry' | 'postgres';

export const SERVICE_NAMES: readonly ServiceName[] = ['kafka', 'registry', 'postgres'];

/** Says how the services of a stack are come by. */
export const STACK_VARIABLE = 'USAGE_LEDGER_STACK';

/** The variable that names a service which is there already. */
export const ADDRESS_VARIABLE = {
  kafka: 'KAFKA_BROKERS',
  registry: 'SCHEMA_REGISTRY_URL',
  postgres: 'DATABASE_URL',
} as const satisfies Record<ServiceName, string>;

export const SERVICE_LABEL = {
  kafka: 'Kafka',
  registry: 'schema registry',
  postgres: 'Postgres',
} as const satisfies Record<ServiceName, string>;

/** A line about what happens, for a person who waits. */
export type Progress = (line: string) => void;
