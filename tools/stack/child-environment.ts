/** The environment as it is, in the form that a spawned process takes. */
export function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  const pairs = Object.entries(env).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  );
  return Object.fromEntries(pairs);
}

/**
 * Only what a service can't do without. Apicurio takes any of its settings from the environment,
 * LOG_LEVEL and KAFKA_* among them, which mean something else here; Postgres has its PG* variables.
 */
export function bareEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const { PATH, HOME, JAVA_HOME } = definedOnly(env);
  return {
    LC_ALL: 'C',
    TZ: 'UTC',
    ...(PATH === undefined ? {} : { PATH }),
    ...(HOME === undefined ? {} : { HOME }),
    ...(JAVA_HOME === undefined ? {} : { JAVA_HOME }),
  };
}
