/** Whether the brokers may answer the same request later; kafkajs itself has given it up. */
export function isTransientInKafka(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'KafkaJSNumberOfRetriesExceeded') return true;
  return error.name.startsWith('KafkaJS') && 'retriable' in error && error.retriable === true;
}
