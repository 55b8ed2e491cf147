/** For tokens that say nothing of their end. */
const UNKNOWN_MS = 300_000;

/**
 * How long a token is valid, in milliseconds: what the server says (`expires_in`, in seconds, a string
 * with some servers), or else the claims of a JWT.
 */
export function lifetimeOf(token: string, expiresIn: unknown): number {
  const seconds = Number(expiresIn);
  if (expiresIn !== null && expiresIn !== '' && seconds > 0 && Number.isFinite(seconds)) {
    return seconds * 1_000;
  }
  const { iat, exp } = claimsOf(token);
  if (typeof exp !== 'number') return UNKNOWN_MS;
  // By the server's own clock where possible.
  const begin = typeof iat === 'number' ? iat * 1_000 : Date.now();
  return Math.max(exp * 1_000 - begin, 0);
}

/** Not verified: that is for the brokers. Empty for what is not a JWT. */
function claimsOf(token: string): { readonly iat?: unknown; readonly exp?: unknown } {
  try {
    const claims: unknown = JSON.parse(
      Buffer.from(token.split('.')[1] ?? '', 'base64url').toString(),
    );
    return typeof claims === 'object' && claims !== null ? claims : {};
  } catch {
    return {};
  }
}
