import { CheckFailedError, WrongUsageError } from '../errors.ts';
import { discardDeadLetters, resolveDeadLetter } from '../ledger/statements/dead-letters.ts';
import { command, context, print } from './command.ts';
import {
  chosenLetters,
  type FilterOptions,
  filtered,
  filterOf,
  idsOf,
  isFiltered,
} from './dead-letter-choice.ts';
import { reachDatabase } from './dependencies.ts';

export function discardCommand() {
  return filtered(command('discard', 'decide that dead letters are junk; their bytes are kept'))
    .requiredOption('--because <reason>', 'why; kept with each of them')
    .argument('[topic/partition/offset...]', 'ids; without any, all that the filters let pass')
    .action(discardLetters);
}

async function discardLetters(
  ids: string[],
  options: FilterOptions & { because: string },
): Promise<void> {
  const because = options.because.trim();
  if (because === '') throw new WrongUsageError('--because: say why they are junk');
  const filter = filterOf(options, false);
  const chosen = idsOf(ids, filter);
  if (chosen.length === 0 && !isFiltered(filter)) {
    throw new WrongUsageError('say which dead letters: ids, or a filter such as --topic');
  }
  const { settings } = context(['database']);
  const database = await reachDatabase(settings, 1);
  try {
    const resolution = `discarded: ${because}`;
    let discarded = 0;
    if (chosen.length === 0) {
      discarded = (await discardDeadLetters.run(database, { ...filter, resolution })).length;
    }
    for await (const row of chosenLetters(database, chosen)) {
      const { kafka_topic: topic, kafka_partition: partition, generation } = row;
      const key = { topic, partition, offset: Number(row.kafka_offset), generation };
      discarded += (await resolveDeadLetter.run(database, { ...key, resolution })).length;
    }
    if (discarded === 0 && chosen.length === 0) {
      throw new CheckFailedError('no open dead letter passes the filters');
    }
    print(`${discarded} discarded`);
  } finally {
    await database.end();
  }
}
