/** How Avro names types: by full name, or within the namespace of what encloses them. */

/** The full name of a definition, and the namespace for what it encloses. */
export function definedName(
  name: unknown,
  given: unknown,
  enclosing: string,
): { fullName: string; namespace: string } {
  if (typeof name !== 'string' || name === '') throw new Error('a named type has no name');
  const dot = name.lastIndexOf('.');
  const namespace = dot !== -1 ? name.slice(0, dot) : typeof given === 'string' ? given : enclosing;
  const simple = name.slice(dot + 1);
  return { fullName: namespace === '' ? simple : `${namespace}.${simple}`, namespace };
}

/** The type that a reference means, if it is defined. */
export function findNamed<T>(
  definitions: ReadonlyMap<string, T>,
  name: string,
  namespace: string,
): T | undefined {
  const qualified = name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
  return definitions.get(qualified) ?? definitions.get(name);
}
