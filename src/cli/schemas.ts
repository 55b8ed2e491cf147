import { CheckFailedError } from '../errors.ts';
import {
  type CompatibilityReport,
  checkCompatibility,
  registerSchema,
  subjectOf,
} from '../registry/subjects.ts';
import { command, context, JSON_OPTION, print, printJson } from './command.ts';
import { reachRegistry } from './reach-registry.ts';

export function schemasCommand() {
  const schemas = command('schemas', 'register the Avro schemas, or check their compatibility');
  schemas.addCommand(
    command('register', 'register the schema of every topic of KAFKA_TOPICS')
      .option(...JSON_OPTION)
      .action(async ({ json }: { json: boolean }) => {
        const { settings } = context(['registry']);
        const registry = await reachRegistry(settings);
        const compatibility = 'BACKWARD_TRANSITIVE';
        const registered: object[] = [];
        for (const topic of settings.KAFKA_TOPICS) {
          const id = await registerSchema(registry, settings, topic);
          const subject = subjectOf(topic);
          registered.push({ subject, schema_id: id, compatibility });
          if (!json) print(`${subject}: schema ${id}, compatibility ${compatibility}`);
        }
        if (json) printJson(registered);
      }),
  );
  schemas.addCommand(
    command('check', 'check the schemas against the registry; exit 1 if not compatible')
      .option(...JSON_OPTION)
      .action(async ({ json }: { json: boolean }) => {
        const { settings } = context(['registry']);
        await reachRegistry(settings);
        const reports: CompatibilityReport[] = [];
        for (const topic of settings.KAFKA_TOPICS) {
          const report = await checkCompatibility(settings, topic);
          reports.push(report);
          if (json) continue;
          print(`${report.subject}: ${report.compatible ? 'compatible' : 'NOT compatible'}`);
          for (const message of report.messages) print(`  ${message}`);
        }
        if (json) printJson(reports);
        const refused = reports.filter(({ compatible }) => !compatible);
        if (refused.length > 0) {
          throw new CheckFailedError(
            `not compatible: ${refused.map(({ subject }) => subject).join(', ')}`,
          );
        }
      }),
  );
  return schemas;
}
