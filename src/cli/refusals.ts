import { TokenRefusedError } from '../kafka/sasl/bearer-token.ts';

/**
 * Answers of a service that a retry will not change, so that a command fails at start with the setting
 * to check. A running worker retries even these: a password may be changing.
 */

/** Source: PostgreSQL, Appendix A, "PostgreSQL Error Codes". */
const SQLSTATES: Readonly<Record<string, string>> = {
  '28000': 'DATABASE_URL', // invalid authorization: no line of pg_hba.conf, no such role
  '28P01': 'DATABASE_URL', // wrong password
  '3D000': 'DATABASE_URL', // no such database
  '42501': 'DATABASE_URL', // the user may not connect to the database
};

/** Source: Node.js, "X509 certificate error codes" of node:tls. */
const CERTIFICATE_CODES = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
/** The other side rejects our certificate, or requires one. */
const CERTIFICATE_ALERT = /^ERR_SSL_.*ALERT.*(CERTIFICATE|UNKNOWN_CA)/;

/** @returns what to check; `undefined` when a retry may succeed */
export function refusalOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof TokenRefusedError) return error.toCheck;
  if (error.name === 'KafkaJSSASLAuthenticationError') {
    return 'KAFKA_SASL_MECHANISM and the credentials for it';
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (CERTIFICATE_CODES.has(code) || CERTIFICATE_ALERT.test(code)) {
    return 'the certificates on both sides, and the authority that is trusted';
  }
  return SQLSTATES[code] ?? refusalOf(error.cause);
}
