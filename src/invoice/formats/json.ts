import type { Invoice } from '../invoice-line.ts';
import { totalsOf } from '../totals.ts';

/** One JSON object; numbers are exact decimals, as text. */
export function invoiceJson(invoice: Invoice): string {
  const { exportId, adjusts, accountId, from, to, digest, lines } = invoice;
  const document = {
    export_id: exportId ?? null,
    adjusts: adjusts ?? null,
    account_id: accountId,
    from,
    to,
    is_complete: exportId !== undefined || adjusts !== undefined,
    totals: Object.fromEntries(totalsOf(lines)),
    digest,
    lines,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
