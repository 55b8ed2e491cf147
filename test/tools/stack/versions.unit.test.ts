import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { APICURIO_VERSION, IMAGES, KAFKA_VERSION } from '../../../tools/stack/versions.ts';

function read(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
}

describe('the versions of the stack', () => {
  it('are the ones that the pom fetches', () => {
    const pom = read('tools/stack/maven/pom.xml');
    expect(pom).toContain(`<kafka.version>${KAFKA_VERSION}</kafka.version>`);
    expect(pom).toContain(`<apicurio.version>${APICURIO_VERSION}</apicurio.version>`);
  });

  it.each(Object.values(IMAGES))('are the ones in docker-compose.yml: %s', (image) => {
    expect(read('docker-compose.yml')).toContain(`image: ${image}\n`);
  });
});
