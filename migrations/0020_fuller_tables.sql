-- Half of a page was left for new versions of its rows, and stayed empty when the calls had ended. Where events
-- come one by one, the versions before are removed as soon as the page is written again: a fifth is enough.
ALTER TABLE session SET (fillfactor = 80);
--> statement-breakpoint
ALTER TABLE session_model_usage SET (fillfactor = 80);
