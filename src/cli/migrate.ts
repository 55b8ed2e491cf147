import { migrateDatabase } from '../migrate/migrate.ts';
import { command, context, JSON_OPTION, note, print, printJson } from './command.ts';
import { reachServer } from './reach-database.ts';

export function migrateCommand() {
  return command('migrate', 'bring the database schema up to date; safe to run twice')
    .option(...JSON_OPTION)
    .action(async ({ json }: { json: boolean }) => {
      const { settings } = context(['database']);
      const database = await reachServer(settings, 1);
      await database.end();
      const { applied, version, warnings } = await migrateDatabase(settings);
      for (const warning of warnings) note(`warning: ${warning}`);
      const schema = settings.DATABASE_SCHEMA;
      if (json) return printJson({ schema, version, applied, warnings });
      for (const tag of applied) print(`applied ${tag}`);
      print(`schema "${schema}" is at ${version}${applied.length === 0 ? ', nothing to do' : ''}`);
    });
}
