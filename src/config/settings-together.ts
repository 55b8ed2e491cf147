/** Parsed settings; one that is invalid is present as undefined, and is reported elsewhere. */
type Parsed = Readonly<Record<string, unknown>>;

const PASSWORD: readonly string[] = ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'];
const OAUTH: readonly string[] = [
  'KAFKA_SASL_OAUTH_TOKEN_URL',
  'KAFKA_SASL_OAUTH_CLIENT_ID',
  'KAFKA_SASL_OAUTH_CLIENT_SECRET',
];
const OAUTH_OPTIONAL: readonly string[] = ['KAFKA_SASL_OAUTH_SCOPE', 'KAFKA_SASL_OAUTH_EXTENSIONS'];

/** Problems of settings that are valid one by one but not together. */
export function problemsTogether(settings: Parsed): string[] {
  const problems = [
    ...saslProblems(settings),
    ...missing(
      settings,
      ['KAFKA_SSL_CERT_FILE', 'KAFKA_SSL_KEY_FILE'],
      'a client certificate goes with its key',
    ),
  ];
  // With certificates set, clear text is a mistake. (A certificate without its key is found above.)
  for (const name of ['KAFKA_SSL_CA_FILE', 'KAFKA_SSL_KEY_FILE']) {
    if (settings['KAFKA_SSL'] !== false || !(name in settings)) continue;
    problems.push(`${name}: set, but KAFKA_SSL is not; expected KAFKA_SSL=true`);
  }
  problems.push(
    ...missing(
      settings,
      ['SCHEMA_REGISTRY_USERNAME', 'SCHEMA_REGISTRY_PASSWORD'],
      'basic auth needs a user and a password',
    ),
  );
  const dead = settings['KAFKA_DEAD_LETTER_TOPIC'];
  const read = settings['KAFKA_TOPICS'];
  if (typeof dead === 'string' && Array.isArray(read) && read.includes(dead)) {
    problems.push(
      `KAFKA_DEAD_LETTER_TOPIC: "${dead}" is one of KAFKA_TOPICS; expected another topic`,
    );
  }
  return problems;
}

/** Each mechanism has its own settings; those of another one are a mistake. */
function saslProblems(settings: Parsed): string[] {
  const mechanism = settings['KAFKA_SASL_MECHANISM'];
  // Invalid, which is reported already: what it needs is not known.
  if ('KAFKA_SASL_MECHANISM' in settings && mechanism === undefined) return [];
  if (mechanism === 'oauthbearer') {
    return [
      ...missing(settings, ['KAFKA_SASL_MECHANISM', ...OAUTH], 'oauthbearer needs them'),
      ...notOf(settings, PASSWORD, 'plain, scram-sha-256 or scram-sha-512'),
    ];
  }
  const oauth = notOf(settings, [...OAUTH, ...OAUTH_OPTIONAL], 'oauthbearer');
  if (mechanism === 'aws-msk-iam') {
    return [
      ...missing(settings, ['KAFKA_SASL_MECHANISM', 'AWS_REGION'], 'aws-msk-iam needs it'),
      ...notOf(settings, PASSWORD, 'plain, scram-sha-256 or scram-sha-512'),
      ...oauth,
    ];
  }
  const password = ['KAFKA_SASL_MECHANISM', ...PASSWORD] as const;
  return [
    ...missing(settings, password, 'SASL needs a mechanism, a user and a password'),
    ...oauth,
  ];
}

/** Of settings that go together: those that are absent while others are there. */
function missing(settings: Parsed, names: readonly string[], why: string): string[] {
  const absent = names.filter((name) => !(name in settings));
  if (absent.length === 0 || absent.length === names.length) return [];
  return [`${absent.join(', ')}: not set; expected, since ${why}`];
}

function notOf(settings: Parsed, names: readonly string[], mechanisms: string): string[] {
  const present = names.filter((name) => name in settings);
  if (present.length === 0) return [];
  return [`${present.join(', ')}: set, but KAFKA_SASL_MECHANISM is not ${mechanisms}`];
}
