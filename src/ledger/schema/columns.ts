import { customType } from 'drizzle-orm/pg-core';

/**
 * Text that is compared byte by byte: keys sort the same on every server and in the worker, and an
 * index on them does not depend on the operating system's collation.
 */
export const exactText = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' });

export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
