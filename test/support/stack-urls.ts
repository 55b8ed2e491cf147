/** Where the services of the test run answer. */
export interface StackUrls {
  kafkaBrokers: string;
  schemaRegistryUrl: string;
  databaseUrl: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    stack: StackUrls;
  }
}
