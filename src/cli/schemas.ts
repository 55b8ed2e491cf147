import { CheckFailedError } from '../errors.ts';
import { checkCompatibility, registerSchema, subjectOf } from '../registry/subjects.ts';
import { command, context, print } from './command.ts';
import { reachRegistry } from './dependencies.ts';

export function schemasCommand() {
  const schemas = command('schemas', 'register the Avro schemas, or check their compatibility');
  schemas.addCommand(
    command('register', 'register the schema of every topic of KAFKA_TOPICS').action(async () => {
      const { settings } = context(['registry']);
      const registry = await reachRegistry(settings);
      for (const topic of settings.KAFKA_TOPICS) {
        const id = await registerSchema(registry, settings, topic);
        print(`${subjectOf(topic)}: schema ${id}, compatibility BACKWARD_TRANSITIVE`);
      }
    }),
  );
  schemas.addCommand(
    command('check', 'check the schemas against the registry; exit 1 if not compatible').action(
      async () => {
        const { settings } = context(['registry']);
        await reachRegistry(settings);
        const refused: string[] = [];
        for (const topic of settings.KAFKA_TOPICS) {
          const report = await checkCompatibility(settings, topic);
          print(`${report.subject}: ${report.compatible ? 'compatible' : 'NOT compatible'}`);
          for (const message of report.messages) print(`  ${message}`);
          if (!report.compatible) refused.push(report.subject);
        }
        if (refused.length > 0) {
          throw new CheckFailedError(`not compatible: ${refused.join(', ')}`);
        }
      },
    ),
  );
  return schemas;
}
