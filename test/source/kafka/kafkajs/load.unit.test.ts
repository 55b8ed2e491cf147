import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Kafka } from 'kafkajs';
import { expect, test } from 'vitest';
import { FetchedPartition } from '../../../../src/source/kafka/kafkajs/fetched-partition.ts';
import { sleepUntilWoken } from '../../../../src/source/kafka/kafkajs/interruptible-sleep.ts';
import {
  KAFKAJS_VERSION,
  loadPatchedKafkaJs,
  PATCHES,
} from '../../../../src/source/kafka/kafkajs/load.ts';

const require = createRequire(import.meta.url);
const sourceOf = (file: string) => require.resolve(`kafkajs/src/${file}`);

/** What each patch was written for. Before a hash is changed here, read its patch against the new source. */
const SOURCES = {
  'network/requestQueue/index.js':
    'b55986089c14f8f7bfc377922e2e65b3e4c1e7c7af2752d3b10a75dfe9e9260c',
  'network/connection.js': '2a993b2e74421ca6d846efd59e4ba74b11100dbe7d40d0f52ea3218e917aafdd',
  'utils/sleep.js': '64e30e9a3916bed9b1f07516ff4fa9eb6caa9fa475b26fce45657419dc33e7bb',
  'protocol/requests/fetch/v4/decodeMessages.js':
    'd9fede59bebf84ee15169d0ecc54df594a11722b6ba8d5db535ed1d8548d4fcc',
  'consumer/batch.js': '04ee8657247441599f200af5871ce6b3c4463abe941b97405502f8f5f683face',
  'consumer/consumerGroup.js': 'f3e461738585a8dc6574c647123a18afc732f81cdee4f9f7bb62e4aa1dffbfbb',
  // Which methods of a batch it calls, and when.
  'consumer/runner.js': 'fad3247df2e3ba483b94e014e5c5916fd72d7bdfc3b3dfccc5232b60da18306d',
};

test('each patch replaces the source of kafkajs that it was written for', () => {
  const { version } = require('kafkajs/package.json');
  const { dependencies } = require('../../../../package.json');
  expect([version, dependencies.kafkajs]).toEqual([KAFKAJS_VERSION, KAFKAJS_VERSION]);
  const hashOf = (file: string) =>
    createHash('sha256')
      .update(readFileSync(sourceOf(file)))
      .digest('hex');
  const found = Object.keys(SOURCES).map((file) => [file, hashOf(file)]);
  expect(Object.fromEntries(found)).toEqual(SOURCES);
  expect(Object.keys(SOURCES)).toEqual(expect.arrayContaining(PATCHES.map(({ file }) => file)));
});

test('kafkajs is patched even when it was loaded before, and once', () => {
  const patched = loadPatchedKafkaJs();
  expect(patched.Kafka).not.toBe(Kafka);
  expect(loadPatchedKafkaJs()).toBe(patched);
  expect(require('kafkajs').Kafka).toBe(patched.Kafka);
  expect(require(sourceOf('utils/sleep.js'))).toBe(sleepUntilWoken);
  expect(require(sourceOf('consumer/batch.js'))).toBe(FetchedPartition);
});
