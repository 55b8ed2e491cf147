import { printable } from '../../config/printable.ts';
import { messageOf } from '../../errors.ts';
import { type BearerToken, NoTokenError, TokenRefusedError } from './bearer-token.ts';

const TO_CHECK =
  'the credentials of AWS: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the role of the machine or the pod';

/**
 * A token for the IAM authentication of MSK: a request for `kafka-cluster:Connect`, signed in advance with
 * the credentials that AWS's SDKs find (environment, profile, web identity, container, instance).
 *
 * @throws {TokenRefusedError} when there are no credentials
 */
export async function signMskToken(region: string): Promise<BearerToken> {
  const { generateAuthToken } = await loadSigner();
  try {
    const { token, expiryTime } = await generateAuthToken({ region });
    return { value: token, lifetimeMs: expiryTime - Date.now() };
  } catch (error) {
    const why = `no token for MSK in ${region}: ${printable(messageOf(error))}`;
    const isMissing = error instanceof Error && error.name === 'CredentialsProviderError';
    if (isMissing) throw new TokenRefusedError(why, TO_CHECK, { cause: error });
    throw new NoTokenError(why, { cause: error });
  }
}

/** AWS's library has 30 MB and is loaded only here. It is optional: an installation may have left it out. */
async function loadSigner(): Promise<typeof import('aws-msk-iam-sasl-signer-js')> {
  try {
    return await import('aws-msk-iam-sasl-signer-js');
  } catch (error) {
    throw new TokenRefusedError(
      `aws-msk-iam needs a package that cannot be loaded: ${messageOf(error)}`,
      'that it is installed: npm install aws-msk-iam-sasl-signer-js',
      { cause: error },
    );
  }
}
