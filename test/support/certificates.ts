import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A certificate that an authority signed, and its key, as PEM files. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** Key and certificate in one file, as Kafka wants them. */
  readonly bothFile: string;
}

export interface Authority {
  /** The authority's own certificate, for those who are to trust it. */
  readonly caFile: string;
  /** @param addresses what the certificate is good for, such as `IP:127.0.0.1` */
  issue(name: string, addresses?: string): Promise<Certificate>;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Makes an authority of its own, whose files lie in `folder`. */
export async function newAuthority(folder: string, name: string): Promise<Authority> {
  const path = (file: string) => join(folder, `${name}-${file}`);
  const [caFile, caKey] = [path('ca.pem'), path('ca.key')];
  await openssl('req', '-x509', ...KEY, '-subj', `/CN=${name}`, '-days', '2', '-keyout', caKey, [
    '-out',
    caFile,
  ]);
  return {
    caFile,
    async issue(subject, addresses = 'IP:127.0.0.1') {
      const certFile = path(`${subject}.pem`);
      const keyFile = path(`${subject}.key`);
      const bothFile = path(`${subject}-both.pem`);
      await openssl('req', '-x509', ...KEY, '-subj', `/CN=${subject}`, '-days', '2', [
        ...['-CA', caFile, '-CAkey', caKey, '-addext', 'basicConstraints=critical,CA:FALSE'],
        ...['-addext', `subjectAltName=${addresses}`, '-keyout', keyFile, '-out', certFile],
      ]);
      await writeFile(bothFile, (await readFile(keyFile)) + String(await readFile(certFile)));
      return { certFile, keyFile, bothFile };
    },
  };
}

async function openssl(...args: (string | string[])[]): Promise<void> {
  await promisify(execFile)('openssl', args.flat());
}
