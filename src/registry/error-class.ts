/** The classes of the registry's errors for metrics; see `registryErrorClass`. */
export const REGISTRY_ERROR_CLASSES = ['answer', 'connection', 'timeout'] as const;
export type RegistryErrorClass = (typeof REGISTRY_ERROR_CLASSES)[number];

/** What kind of trouble an error of a request is; `answer`: it came, and not from a registry. */
export function registryErrorClass(error: unknown): RegistryErrorClass {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause === undefined) return 'answer';
  return cause instanceof Error && cause.name === 'TimeoutError' ? 'timeout' : 'connection';
}
