import { describe } from 'vitest';
import { describeHostileSchemas } from './conformance/hostile-schemas.ts';
import { describeLenientSchemas } from './conformance/lenient-schemas.ts';
import { describeOutcomes } from './conformance/outcomes.ts';
import { describeRecords } from './conformance/records.ts';
import type { DecoderOf } from './conformance/seen.ts';
import { describeSessions } from './conformance/sessions.ts';
import { describeValues } from './conformance/values.ts';
import { describeVersions } from './conformance/versions.ts';
import { describeWriters } from './conformance/writers.ts';

/** The contract of `MessageDecoder`, to be run over every implementation. */
export function describeMessageDecoder(name: string, decoderOf: DecoderOf): void {
  describe(name, () => {
    describeOutcomes(decoderOf);
    describeSessions(decoderOf);
    describeValues(decoderOf);
    describeRecords(decoderOf);
    describe('versions of the schema', () => describeVersions(decoderOf));
    describe('other writers', () => describeWriters(decoderOf));
    describe('lenient schemas', () => describeLenientSchemas(decoderOf));
    describe('hostile schemas', () => describeHostileSchemas(decoderOf));
  });
}
