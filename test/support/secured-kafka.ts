import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalKafka } from '../../tools/stack/local-kafka.ts';
import { Watchdog } from '../../tools/stack/watchdog.ts';
import { type Authority, newAuthority } from './certificates.ts';

export type KafkaMode = 'tls' | 'mutual TLS' | 'plain' | 'scram-sha-256' | 'scram-sha-512';

/** A broker of the test's own that can be reached in every way there is. */
export interface SecuredKafka {
  /** Without TLS and password, for what a test prepares. */
  readonly brokers: string;
  readonly authority: Authority;
  /** An authority that nobody trusts. */
  readonly otherAuthority: Authority;
  /** Where the certificates are; removed at the end. */
  readonly folder: string;
  /** The settings by which the broker is reached, by mode. */
  readonly settings: Readonly<Record<KafkaMode, NodeJS.ProcessEnv>>;
  stop(): Promise<void>;
}

export const KAFKA_PASSWORD = 'pw-kafka-4f1d';
const USER = 'metering';
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
const LOGIN = 'org.apache.kafka.common.security';

export async function startSecuredKafka(): Promise<SecuredKafka> {
  const folder = await mkdtemp(join(tmpdir(), 'usage-ledger-certificates-'));
  await chmod(folder, 0o711);
  const [authority, otherAuthority] = await Promise.all([
    newAuthority(folder, 'authority'),
    newAuthority(folder, 'otherAuthority'),
  ]);
  const [server, client, watchdog] = await Promise.all([
    authority.issue('broker'),
    authority.issue('client'),
    Watchdog.start(),
  ]);
  const { brokers, ports } = await startLocalKafka(
    { watchdog, env: process.env, progress: () => {} },
    {
      listeners: { TLS: 'SSL', MUTUAL: 'SSL', PASSWORD: 'SASL_SSL' },
      properties: {
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': server.bothFile,
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.location': authority.caFile,
        'listener.name.mutual.ssl.client.auth': 'required',
        'listener.name.password.sasl.enabled.mechanisms': MECHANISMS.join().toUpperCase(),
        'listener.name.password.plain.sasl.jaas.config': `${LOGIN}.plain.PlainLoginModule required user_${USER}="${KAFKA_PASSWORD}-plain";`,
        ...scramLogin('scram-sha-256'),
        ...scramLogin('scram-sha-512'),
      },
      format: [...scramUser('scram-sha-256'), ...scramUser('scram-sha-512')],
    },
  );
  const over = (listener: string) => ({
    KAFKA_BROKERS: `127.0.0.1:${ports[listener]}`,
    KAFKA_SSL: 'true',
    KAFKA_SSL_CA_FILE: authority.caFile,
  });
  const withPassword = (mechanism: string) => ({
    ...over('PASSWORD'),
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: USER,
    // Another for each, so that one mechanism cannot pass for another.
    KAFKA_SASL_PASSWORD: `${KAFKA_PASSWORD}-${mechanism}`,
  });
  return {
    brokers,
    authority,
    otherAuthority,
    folder,
    settings: {
      tls: over('TLS'),
      'mutual TLS': {
        ...over('MUTUAL'),
        KAFKA_SSL_CERT_FILE: client.certFile,
        KAFKA_SSL_KEY_FILE: client.keyFile,
      },
      plain: withPassword('plain'),
      'scram-sha-256': withPassword('scram-sha-256'),
      'scram-sha-512': withPassword('scram-sha-512'),
    },
    async stop() {
      await watchdog.close();
      await rm(folder, { recursive: true });
    },
  };
}

function scramLogin(mechanism: string): Record<string, string> {
  const module = `${LOGIN}.scram.ScramLoginModule required;`;
  return { [`listener.name.password.${mechanism}.sasl.jaas.config`]: module };
}

function scramUser(mechanism: string): string[] {
  const password = `${KAFKA_PASSWORD}-${mechanism}`;
  return ['--add-scram', `${mechanism.toUpperCase()}=[name=${USER},password=${password}]`];
}
