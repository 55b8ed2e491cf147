/**
 * Ends the processes of a stack and removes its files once the program that started them has ended,
 * however it ended (SIGKILL included). Standard input is a pipe from that program, with a line of JSON
 * for every change of what there is to tidy up; the end of the pipe is the end of the program.
 */
import { createInterface } from 'node:readline';
import { Remains, tidyUp } from './tidy-up.ts';
import type { Change } from './watchdog.ts';

const remains = new Remains();
for await (const line of createInterface({ input: process.stdin })) {
  const change = JSON.parse(line) as Change;
  if ('started' in change) remains.processes.set(change.started, change.endSignal);
  else if ('exited' in change) remains.processes.delete(change.exited);
  else if ('created' in change) remains.paths.add(change.created);
  else remains.paths.delete(change.removed);
}
await tidyUp(remains);
