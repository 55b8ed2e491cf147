import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { javaCommand } from '../../tools/stack/java.ts';
import { fetchArtifact, KAFKA_ARTIFACT } from '../../tools/stack/maven.ts';
import { Watchdog } from '../../tools/stack/watchdog.ts';

let libraries: Promise<string> | undefined;

/**
 * Runs one of Kafka's own command-line tools, say
 * `org.apache.kafka.tools.consumer.group.ConsumerGroupCommand`, and gives what it printed.
 *
 * @param input for its standard input
 * @throws when it exits with anything but 0; its output is in the message.
 */
export async function kafkaTool(
  mainClass: string,
  args: readonly string[],
  input = '',
): Promise<{ stdout: string; stderr: string }> {
  libraries ??= kafkaLibraries();
  const classpath = join(await libraries, '*');
  const flags = [
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-XX:-UsePerfData',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
  ];
  try {
    const running = promisify(execFile)(
      javaCommand(process.env),
      [...flags, '-cp', classpath, mainClass, ...args],
      { maxBuffer: 64 * 1024 * 1024 },
    );
    running.child.stdin?.end(input);
    return await running;
  } catch (error) {
    const output = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
    throw new Error(`${mainClass} failed: ${String(error)}\n${output}`, { cause: error });
  }
}

/** The folder of Kafka's jars; the stack has fetched them already, unless it is not a local one. */
async function kafkaLibraries(): Promise<string> {
  const watchdog = await Watchdog.start();
  try {
    return await fetchArtifact(KAFKA_ARTIFACT, {
      env: process.env,
      watchdog,
      progress: (line) => process.stderr.write(`${line}\n`),
    });
  } finally {
    await watchdog.close();
  }
}
