import { afterEach, describe, expect, test, vi } from 'vitest';
import { isBearerToken, TokenRefusedError } from '../../src/kafka/sasl/bearer-token.ts';
import { signMskToken } from '../../src/kafka/sasl/msk-token.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.doUnmock('aws-msk-iam-sasl-signer-js');
});

describe('a token for the IAM authentication of MSK', () => {
  // Source: https://github.com/aws/aws-msk-iam-auth#uml-sequence-diagram-for-how-iam-authentication-works,
  // and Amazon MSK, "Authentication token parameters".
  test('is the presigned URL that AWS publishes, in base64url without padding', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'pw-aws-5e1c');
    vi.stubEnv('AWS_SESSION_TOKEN', 'session-1');

    const { value, lifetimeMs } = await signMskToken('eu-west-1');

    expect(isBearerToken(value)).toBe(true);
    expect(value).not.toMatch(/=/);
    const url = new URL(Buffer.from(value, 'base64url').toString());
    expect(`${url.origin}${url.pathname}`).toBe('https://kafka.eu-west-1.amazonaws.com/');
    const date = url.searchParams.get('X-Amz-Date') ?? '';
    expect(date).toMatch(/^\d{8}T\d{6}Z$/);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      Action: 'kafka-cluster:Connect',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': `AKIDEXAMPLE/${date.slice(0, 8)}/eu-west-1/kafka-cluster/aws4_request`,
      'X-Amz-Date': date,
      'X-Amz-Expires': '900',
      'X-Amz-Security-Token': 'session-1',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
      'User-Agent': expect.stringMatching(/^aws-msk-iam-sasl-signer-js\/\d/),
    });
    expect(url.href).not.toContain('pw-aws');
    expect(lifetimeMs).toBeGreaterThan(890_000);
    expect(lifetimeMs).toBeLessThanOrEqual(900_000);
  });

  test('is not there without credentials, and the error names what to check', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) {
      vi.stubEnv(name, undefined);
    }
    vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');

    const error = await signMskToken('eu-west-1').catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(TokenRefusedError);
    expect((error as TokenRefusedError).message).toMatch(
      /^no token for MSK in eu-west-1: Could not/,
    );
    expect((error as TokenRefusedError).toCheck).toContain('AWS_ACCESS_KEY_ID');
  });

  test('is not there without the package of AWS, and the error says how to install it', async () => {
    vi.doMock('aws-msk-iam-sasl-signer-js', () => {
      throw new Error('not installed');
    });
    const error = await signMskToken('eu-west-1').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TokenRefusedError);
    expect((error as TokenRefusedError).toCheck).toBe(
      'that it is installed: npm install aws-msk-iam-sasl-signer-js',
    );
  });
});
