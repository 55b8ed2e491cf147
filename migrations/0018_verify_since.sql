-- For `verify --since`: which pages were written since then. Pages come in the order of their time, so that
-- an index of a few bytes for every megabyte is enough, and costs a batch next to nothing.
CREATE INDEX "ledger_page_recorded" ON "ledger_page" USING brin ("recorded_at") WITH (autosummarize=true);
--> statement-breakpoint
COMMENT ON INDEX ledger_page_recorded IS 'For verify --since: when pages were written.';
