import { customType } from 'drizzle-orm/pg-core';

/**
 * Text that is compared byte by byte: keys have the same order on every server and in the worker, and
 * their indexes do not depend on the operating system's collation.
 */
export const exactText = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' });

export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
