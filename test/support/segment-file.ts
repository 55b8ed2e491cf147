import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { OwnService } from './own-service.ts';

/** Changes the record batches of a partition where a broker of the test's own keeps them. */
export function changeOnDisk(
  kafka: OwnService,
  topic: string,
  partition: number,
  change: (segment: Buffer) => void,
): void {
  const folder = join(dirname(kafka.process.log), 'data', `${topic}-${partition}`);
  const file = join(folder, '00000000000000000000.log');
  const segment = readFileSync(file);
  change(segment);
  writeFileSync(file, segment, { flag: 'r+' });
}
