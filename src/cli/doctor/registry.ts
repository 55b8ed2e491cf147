import { checkCompatibility, pingRegistry } from '../../registry/subjects.ts';
import { type Check, fail, ok, warn } from './finding.ts';

export const registry: Check = {
  name: 'registry',
  todo: 'check SCHEMA_REGISTRY_URL with its base path, and SCHEMA_REGISTRY_USERNAME and _PASSWORD',
  async run({ settings }) {
    await pingRegistry(settings);
    return [ok(settings.SCHEMA_REGISTRY_URL, 'answers')];
  },
};

export const subjects: Check = {
  name: 'subjects',
  after: 'registry',
  todo: 'check what the user of the registry may read',
  run({ settings }) {
    return Promise.all(
      settings.KAFKA_TOPICS.map(async (topic) => {
        const { subject, compatible, messages } = await checkCompatibility(settings, topic);
        const remarks = messages.join('; ');
        if (!compatible) {
          const todo = 'compare the versions: usage-ledger schemas check';
          return fail(subject, `our schema is not compatible: ${remarks}`, todo);
        }
        if (remarks === '') return ok(subject, 'our schema is compatible');
        return warn(subject, remarks, 'run: usage-ledger schemas register');
      }),
    );
  },
};
