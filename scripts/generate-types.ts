/**
 * Writes src/livekit/types.ts from schemas/*.avsc, the only source of the metric shapes.
 * With --check: writes nothing and exits 1 when the file is not what would be written.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AvroField, AvroSchema } from '../src/schemas/avro-schema.ts';
import { readRecordFile } from '../src/schemas/load.ts';
import { METRIC_RECORDS, metricTypeOf, NAMESPACE } from '../src/schemas/metric-records.ts';

const TARGET = new URL('../src/livekit/types.ts', import.meta.url);
const COMMAND = 'node --import tsx scripts/generate-types.ts';

const DETAIL_RECORDS = [
  'Metadata',
  'CachedTokenDetails',
  'InputTokenDetails',
  'OutputTokenDetails',
  'ReportedModelUsage',
];

const PRIMITIVES: Readonly<Record<string, string>> = {
  null: 'null',
  boolean: 'boolean',
  long: 'number',
  double: 'number',
  string: 'string',
};

/** The text of src/livekit/types.ts. Throws on an Avro type that it has no mapping for. */
export function generateTypes(): string {
  return [
    `// Generated from schemas/*.avsc by \`${COMMAND}\`. Do not edit.`,
    ...DETAIL_RECORDS.map(interfaceOf),
    ...METRIC_RECORDS.map(({ record }) => interfaceOf(record)),
    agentMetricsUnion(),
    interfaceOf('AgentMetricsEvent'),
  ]
    .join('\n\n')
    .concat('\n');
}

function interfaceOf(name: string): string {
  const record = readRecordFile(name);
  const literal = metricTypeOf(name);
  const tag = literal === undefined ? [] : [`  type: '${literal}';`];
  return [
    docComment(`${record.doc} Source: schemas/${name}.avsc.`, ''),
    `export interface ${name} {`,
    ...tag,
    ...record.fields.flatMap((field) => [docComment(field.doc, '  '), memberOf(name, field)]),
    '}',
  ].join('\n');
}

function memberOf(record: string, field: AvroField): string {
  // The members of the union have a name of their own, which discriminates on `type`.
  const isMetric = record === 'AgentMetricsEvent' && field.name === 'metric';
  return `  ${field.name}: ${isMetric ? 'AgentMetrics' : typeScriptOf(field.type)};`;
}

function typeScriptOf(schema: AvroSchema): string {
  if (Array.isArray(schema)) {
    // `T | null` is easier to read than Avro's order, which depends on the default.
    const branches = schema.map(typeScriptOf);
    return [...branches.filter((b) => b !== 'null'), ...branches.filter((b) => b === 'null')].join(
      ' | ',
    );
  }
  if (typeof schema !== 'string') {
    if (schema.type === 'array') return `${typeScriptOf(schema.items)}[]`;
    if (schema.type === 'map') return `Record<string, ${typeScriptOf(schema.values)}>`;
    throw new Error(`record ${schema.name} is nested: give it a file of its own in schemas/`);
  }
  if (schema.startsWith(`${NAMESPACE}.`)) return schema.slice(NAMESPACE.length + 1);
  const primitive = PRIMITIVES[schema];
  if (primitive === undefined) throw new Error(`no TypeScript type is known for Avro ${schema}`);
  return primitive;
}

function agentMetricsUnion(): string {
  return [
    docComment('Any metric, discriminated by `type`.', ''),
    'export type AgentMetrics =',
    METRIC_RECORDS.map(({ record }) => `  | ${record}`)
      .join('\n')
      .concat(';'),
  ].join('\n');
}

/** One line when it fits in 100 columns, else wrapped. */
function docComment(text: string, indent: string): string {
  const single = `${indent}/** ${text} */`;
  if (single.length <= 100) return single;
  const lines: string[] = [];
  let line = `${indent} *`;
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > 100) {
      lines.push(line);
      line = `${indent} *`;
    }
    line += ` ${word}`;
  }
  return [`${indent}/**`, ...lines, line, `${indent} */`].join('\n');
}

function main(): void {
  const wanted = generateTypes();
  if (!process.argv.includes('--check')) {
    writeFileSync(TARGET, wanted);
    return;
  }
  if (readFileSync(TARGET, 'utf8') === wanted) return;
  process.stderr.write(`src/livekit/types.ts differs from schemas/: run ${COMMAND}\n`);
  process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
