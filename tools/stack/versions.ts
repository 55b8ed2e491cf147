/**
 * What the stack is made of. `maven/pom.xml` and `docker-compose.yml` name the same versions; a unit
 * test holds the three together.
 */
export const KAFKA_VERSION = '4.1.2';
export const APICURIO_VERSION = '2.6.13.Final';
export const POSTGRES_MAJOR = '18';

export const IMAGES = {
  kafka: `apache/kafka:${KAFKA_VERSION}`,
  // 2.x is published under a name for each storage; without a suffix there is only 3.x.
  registry: `apicurio/apicurio-registry-mem:${APICURIO_VERSION}`,
  postgres: `postgres:${POSTGRES_MAJOR}`,
} as const;

/** Where Apicurio Registry speaks the Confluent protocol. */
export const CONFLUENT_API_PATH = '/apis/ccompat/v7';

export const MINIMUM_JAVA = 17;
