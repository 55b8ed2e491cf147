import { expect, test } from 'vitest';
import { INVOICE_FORMATS } from '../../src/invoice/formats/formats.ts';
import type { Invoice, InvoiceLine } from '../../src/invoice/invoice-line.ts';

const line: InvoiceLine = {
  line_id: 'line_0123456789abcdef0123456789abcdef',
  account_id: 'acme',
  day: '2026-11-03',
  usage_type: 'llm_usage',
  provider: 'openai',
  model: 'gpt, "large"',
  dimension: 'input_tokens',
  quantity: '1200',
  unit_price: '2.5',
  per: '1000000',
  currency: 'USD',
  cost: '0.003',
  amount: '0.00',
};
const invoice = (lines: readonly InvoiceLine[]): Invoice => ({
  exportId: 'export_1',
  adjusts: undefined,
  accountId: 'acme',
  from: '2026-11-01',
  to: '2026-11-30',
  lines,
  digest: 'd',
});

test('CSV has a header and quotes what needs it', () => {
  expect(INVOICE_FORMATS.csv(invoice([line]))).toBe(
    'line_id,account_id,day,usage_type,provider,model,dimension,quantity,unit_price,per,currency,cost,amount\n' +
      `${line.line_id},acme,2026-11-03,llm_usage,openai,"gpt, ""large""",input_tokens,1200,2.5,1000000,USD,0.003,0.00\n`,
  );
});

test('a name that a spreadsheet would run is text, a negative quantity stays a number', () => {
  const adjusted = { ...line, model: '=HYPERLINK("x")', quantity: '-5' };
  const [, row] = INVOICE_FORMATS.csv(invoice([adjusted])).split('\n');
  expect(row).toContain(`"'=HYPERLINK(""x"")",input_tokens,-5,`);
});

test('JSON has the total by currency, exactly', () => {
  const lines = [
    { ...line, amount: '0.10' },
    { ...line, amount: '0.20' },
    { ...line, currency: 'JPY', amount: '-7' },
  ];
  const document = JSON.parse(INVOICE_FORMATS.json(invoice(lines)));
  expect(document).toMatchObject({ totals: { USD: '0.30', JPY: '-7' }, lines, is_complete: true });
});

const events = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((json) => JSON.parse(json));

// github.com/cloudevents/spec, v1.0, spec.json: required, non-empty; `time` is RFC 3339.
test('OpenMeter gets CloudEvents whose id is that of the line', () => {
  const [event] = events(INVOICE_FORMATS.openmeter(invoice([line])));
  for (const name of ['specversion', 'id', 'type', 'source', 'subject']) {
    expect(event[name]).toMatch(/./);
  }
  expect(event).toMatchObject({ specversion: '1.0', id: line.line_id, subject: 'acme' });
  expect(new Date(event.time).toISOString()).toBe('2026-11-03T00:00:00.000Z');
  expect(event.data).toMatchObject({ quantity: '1200', model: line.model });
});

// docs.stripe.com/api/billing/meter-event/create: at most 100 characters each; a map of texts; seconds.
test('Stripe gets meter events whose identifier is that of the line', () => {
  const [event] = events(INVOICE_FORMATS['stripe-meter-events'](invoice([line])));
  expect(Object.keys(event).toSorted()).toEqual([
    'event_name',
    'identifier',
    'payload',
    'timestamp',
  ]);
  expect(event.event_name).toBe('llm_usage_input_tokens');
  expect(event.event_name.length).toBeLessThanOrEqual(100);
  expect(event.identifier).toBe(line.line_id);
  expect(event.identifier.length).toBeLessThanOrEqual(100);
  expect(event.timestamp).toBe(Date.UTC(2026, 10, 3) / 1_000);
  expect(event.payload).toMatchObject({ stripe_customer_id: 'acme', value: '1200' });
  expect(Object.values(event.payload).every((value) => typeof value === 'string')).toBe(true);
});

// getlago.com/docs/api-reference/events/batch: at most 100 events in a request.
test('Lago gets batches of at most a hundred events whose transaction id is that of the line', () => {
  const lines = Array.from({ length: 201 }, (_, i) => ({ ...line, line_id: `line_${i}` }));
  const batches = events(INVOICE_FORMATS.lago(invoice(lines)));
  expect(batches.map((batch) => batch.events.length)).toEqual([100, 100, 1]);
  const [first] = batches[0].events;
  expect(first).toMatchObject({
    transaction_id: 'line_0',
    external_subscription_id: 'acme',
    code: 'llm_usage_input_tokens',
    timestamp: Date.UTC(2026, 10, 3) / 1_000,
    properties: { quantity: '1200' },
  });
  expect(
    new Set(
      batches.flatMap((batch) =>
        batch.events.map(({ transaction_id: id }: { transaction_id: string }) => id),
      ),
    ).size,
  ).toBe(201);
});

test('a number that does not fit into Parquet is refused, not rounded', async () => {
  const tiny = { ...line, quantity: '0.0000000000000000001' };
  await expect(INVOICE_FORMATS.parquet(invoice([tiny]))).rejects.toThrow(/use --format csv/);
});

test('the same lines are the same bytes', async () => {
  const bytes = () => INVOICE_FORMATS.parquet(invoice([line]));
  expect(Buffer.from(await bytes()).equals(Buffer.from(await bytes()))).toBe(true);
});
