import { brokers } from './brokers.ts';
import { databaseClock, recordClock } from './clocks.ts';
import { database, schema } from './database.ts';
import type { Check } from './finding.ts';
import { group } from './group.ts';
import { months } from './months.ts';
import { halts, positions } from './positions.ts';
import { registry, subjects } from './registry.ts';
import { rights } from './rights.ts';
import { token } from './token.ts';
import { deadLetterTopic, topics } from './topics.ts';

/** Everything that a start needs, in the order in which it is printed. */
export const CHECKS: readonly Check[] = [
  token,
  brokers,
  topics,
  deadLetterTopic,
  group,
  registry,
  subjects,
  database,
  schema,
  rights,
  months,
  positions,
  halts,
  databaseClock,
  recordClock,
];
