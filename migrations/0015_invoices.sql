-- Made by drizzle-kit from src/ledger/schema/tables.ts, up to the line that says so.
CREATE TABLE "invoice_export" (
	"account_id" text COLLATE "C" NOT NULL,
	"first_day" date NOT NULL,
	"last_day" date NOT NULL,
	"sequence" integer NOT NULL,
	"export_id" text COLLATE "C" NOT NULL,
	"line_count" integer NOT NULL,
	"digest" text NOT NULL,
	"exported_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "invoice_export_key" PRIMARY KEY("account_id","first_day","last_day","sequence"),
	CONSTRAINT "invoice_export_id" UNIQUE("export_id")
);
--> statement-breakpoint
CREATE TABLE "invoice_line" (
	"export_id" text COLLATE "C" NOT NULL,
	"line_number" integer NOT NULL,
	"line_id" text COLLATE "C" NOT NULL,
	"day" date NOT NULL,
	"usage_type" text COLLATE "C" NOT NULL,
	"provider" text COLLATE "C" NOT NULL,
	"model" text COLLATE "C" NOT NULL,
	"dimension" text COLLATE "C" NOT NULL,
	"quantity" numeric NOT NULL,
	"unit_price" numeric NOT NULL,
	"per" numeric NOT NULL,
	"currency" char(3) NOT NULL,
	"cost" numeric NOT NULL,
	"amount" numeric NOT NULL,
	CONSTRAINT "invoice_line_key" PRIMARY KEY("export_id","line_number"),
	CONSTRAINT "invoice_line_id" UNIQUE("line_id")
);
--> statement-breakpoint

-- By hand, from here on. What was exported is never changed: the writer may only insert.
DO $$
DECLARE
  entry record;
BEGIN
  -- The roles of this ledger are those that may read the usage of interruption detection; the one that
  -- may also write the books is the writer.
  FOR entry IN
    SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC'
        ELSE quote_ident(pg_get_userbyid(acl.grantee)) END AS grantee,
      pg_class.oid = 'consumed_range'::regclass AND acl.privilege_type = 'INSERT' AS is_writer
    FROM pg_class, aclexplode(pg_class.relacl) AS acl
    WHERE pg_class.oid IN ('interruption_model_usage'::regclass, 'consumed_range'::regclass)
      AND acl.grantee <> pg_class.relowner AND acl.privilege_type IN ('SELECT', 'INSERT')
  LOOP
    EXECUTE format('GRANT %s ON invoice_export, invoice_line TO %s',
      CASE WHEN entry.is_writer THEN 'SELECT, INSERT' ELSE 'SELECT' END, entry.grantee);
  END LOOP;
END
$$;
--> statement-breakpoint

COMMENT ON TABLE invoice_export IS 'Exports of closed periods: what an account was invoiced. Written once, never changed.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_export.account_id IS 'The account that was invoiced.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_export.first_day IS 'First day (UTC) of the period.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_export.last_day IS 'Last day (UTC) of the period, included.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_export.sequence IS '0: the invoice; then the adjustments to it, one after another.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_export.export_id IS 'Id of the export, for export --since-export.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_export.line_count IS 'Lines of the export.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_export.digest IS 'SHA-256 of the lines as CSV, in hexadecimal.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_export.exported_at IS 'When the export was made.';
--> statement-breakpoint
COMMENT ON TABLE invoice_line IS 'The lines of exports. The amounts of all exports of a period add up to what its invoice would be today.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_line.export_id IS 'The export that the line belongs to.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_line.line_number IS 'Place of the line in its export, from 1.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_line.line_id IS 'Stable id: the same for the same line of the same period, whoever exports it. An idempotency key.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_line.day IS 'Day (UTC) of the usage.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_line.dimension IS 'The usage column whose price was used.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_line.quantity IS 'Quantity, in the unit of the dimension; of an adjustment, the signed difference.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_line.unit_price IS 'Price of per units.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_line.per IS 'The quantity that unit_price buys.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_line.currency IS 'Currency, as in ISO 4217.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_line.cost IS 'quantity × unit_price ÷ per, not rounded to the currency.';
--> statement-breakpoint
COMMENT ON COLUMN invoice_line.amount IS 'cost rounded to the minor unit of the currency, half to even. The sum of the amounts is the invoice.';
