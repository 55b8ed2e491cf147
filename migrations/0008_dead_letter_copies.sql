-- Copies on KAFKA_DEAD_LETTER_TOPIC are made after the commit: until then the row says that one is due.
ALTER TABLE "dead_letter" ADD COLUMN "copy_due_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "dead_letter" ADD COLUMN "copied_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "dead_letter" ADD COLUMN "copy_error" text;--> statement-breakpoint
CREATE INDEX "dead_letter_copy_due" ON "dead_letter" USING btree ("copy_due_at") WHERE copy_due_at IS NOT NULL;
