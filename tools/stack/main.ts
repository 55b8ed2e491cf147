/** `npm run stack`: starts the stack, prints how to use it, and stays until Ctrl-C. */
import { type Stack, startStack } from './stack.ts';

const progress = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

let stack: Stack | undefined;
let leavingSince: number | undefined;
/** A terminal signals the whole process group, and npm passes on what it gets. */
const COPIES_MS = 2_000;

function leave(signal: NodeJS.Signals): void {
  if (leavingSince !== undefined) {
    // What is left is ended by the watchdog.
    if (performance.now() - leavingSince > COPIES_MS) process.exit(1);
    return;
  }
  leavingSince = performance.now();
  // While it still starts there is nothing to stop by name; the watchdog ends what there is.
  if (stack === undefined) process.exit(signal === 'SIGINT' ? 130 : 143);
  progress('stopping');
  stack.stop().then(
    () => process.exit(0),
    (error: unknown) => {
      progress(String(error));
      process.exit(1);
    },
  );
}
process.on('SIGINT', leave);
process.on('SIGTERM', leave);
process.on('SIGHUP', leave);

try {
  stack = await startStack({ progress });
  progress(stack.how);
  process.stdout.write(
    [
      `export KAFKA_BROKERS='${stack.kafkaBrokers}'`,
      `export SCHEMA_REGISTRY_URL='${stack.schemaRegistryUrl}'`,
      `export DATABASE_URL='${stack.databaseUrl}'`,
      '',
    ].join('\n'),
  );
  progress('Ctrl-C stops it and removes its data.');
  // The stack by itself does not keep a program running.
  setInterval(() => {}, 60_000);
} catch (error) {
  progress(error instanceof Error ? error.message : String(error));
  process.exitCode = 3;
}
