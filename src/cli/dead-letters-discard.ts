import { CheckFailedError, WrongUsageError } from '../errors.ts';
import { discardDeadLetters, resolveDeadLetter } from '../ledger/statements/dead-letters.ts';
import { command, context, JSON_OPTION, printResult } from './command.ts';
import {
  chosenDeadLetters,
  type FilterOptions,
  filtered,
  filterOf,
  idsOf,
  isFiltered,
} from './dead-letter-choice.ts';
import { reachDatabase } from './reach-database.ts';

export function discardCommand() {
  return filtered(command('discard', 'give up dead letters; their bytes are kept'))
    .requiredOption('--because <reason>', 'the reason, stored with each dead letter')
    .option(...JSON_OPTION)
    .argument('[topic/partition/offset...]', 'ids (default: all that match the filters)')
    .action(discardByIdOrFilter);
}

async function discardByIdOrFilter(
  ids: string[],
  options: FilterOptions & { because: string; json: boolean },
): Promise<void> {
  const because = options.because.trim();
  if (because === '') throw new WrongUsageError('--because: expected a reason');
  const filter = filterOf(options, false);
  const chosen = idsOf(ids, filter);
  if (chosen.length === 0 && !isFiltered(filter)) {
    throw new WrongUsageError('no dead letters selected; pass ids, or a filter such as --topic');
  }
  const { settings } = context(['database']);
  const database = await reachDatabase(settings, 1);
  try {
    const resolution = `discarded: ${because}`;
    let discarded = 0;
    if (chosen.length === 0) {
      discarded = (await discardDeadLetters.run(database, { ...filter, resolution })).length;
    }
    for await (const row of chosenDeadLetters(database, chosen)) {
      const { kafka_topic: topic, kafka_partition: partition, generation } = row;
      const key = { topic, partition, offset: Number(row.kafka_offset), generation };
      discarded += (await resolveDeadLetter.run(database, { ...key, resolution })).length;
    }
    if (discarded === 0 && chosen.length === 0) {
      throw new CheckFailedError('no open dead letter matches the filters');
    }
    printResult(options.json, { discarded }, `${discarded} discarded`);
  } finally {
    await database.end();
  }
}
