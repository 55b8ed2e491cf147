import type { InvoiceLine } from '../invoice-line.ts';

/**
 * Lines as events for the services that many invoice with. Each event is a line: its id is the line's,
 * so that sending twice counts once, and its time is the beginning of the line's day (UTC).
 */

const SOURCE = 'usage-ledger';
/** The most that one request to Lago may have. */
const LAGO_BATCH = 100;

/** What a line is a quantity of, such as `llm_usage_input_tokens`. */
function meterOf({ usage_type, dimension }: InvoiceLine): string {
  return `${usage_type}_${dimension}`;
}

function timeOf({ day }: InvoiceLine): string {
  return `${day}T00:00:00Z`;
}

function secondsOf(line: InvoiceLine): number {
  return Date.parse(timeOf(line)) / 1_000;
}

function detailsOf(line: InvoiceLine): Record<string, string> {
  const { provider, model, unit_price, per, currency, cost } = line;
  return { provider, model, unit_price, per, currency, cost };
}

/** CloudEvents in JSON, one a line. Source: openmeter.io/docs/concepts/usage-events. */
export function openMeterEvents(lines: readonly InvoiceLine[]): string {
  return jsonLines(
    lines.map((line) => ({
      specversion: '1.0',
      id: line.line_id,
      source: SOURCE,
      type: meterOf(line),
      subject: line.account_id,
      time: timeOf(line),
      data: { quantity: line.quantity, ...detailsOf(line) },
    })),
  );
}

/** Bodies of `POST /v1/billing/meter_events`, one a line. Source: docs.stripe.com/api/billing/meter-event. */
export function stripeMeterEvents(lines: readonly InvoiceLine[]): string {
  return jsonLines(
    lines.map((line) => ({
      event_name: meterOf(line),
      identifier: line.line_id,
      timestamp: secondsOf(line),
      payload: { stripe_customer_id: line.account_id, value: line.quantity, ...detailsOf(line) },
    })),
  );
}

/** Bodies of `POST /api/v1/events/batch`, one a line. Source: getlago.com/docs/api-reference/events/batch. */
export function lagoEvents(lines: readonly InvoiceLine[]): string {
  const events = lines.map((line) => ({
    transaction_id: line.line_id,
    external_subscription_id: line.account_id,
    code: meterOf(line),
    timestamp: secondsOf(line),
    properties: { quantity: line.quantity, ...detailsOf(line) },
  }));
  const batches: { events: typeof events }[] = [];
  for (let i = 0; i < events.length; i += LAGO_BATCH) {
    batches.push({ events: events.slice(i, i + LAGO_BATCH) });
  }
  return jsonLines(batches);
}

function jsonLines(values: readonly object[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}
