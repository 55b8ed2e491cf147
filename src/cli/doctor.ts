import { createLogger } from '../config/logger.ts';
import { loadSettings, type Settings } from '../config/settings.ts';
import { CheckFailedError, WrongUsageError } from '../errors.ts';
import { openDatabase } from '../postgres/database.ts';
import { command, JSON_OPTION, print, printJson } from './command.ts';
import { CHECKS } from './doctor/checks.ts';
import { ok } from './doctor/finding.ts';
import { type CheckedFinding, runChecks } from './doctor/run-checks.ts';
import { printVerdict } from './output.ts';

/** For each check. A start may wait for longer; a person who asks why it does, should not. */
const TIMEOUT_MS = 10_000;
const CONNECTIONS = 4;

export function doctorCommand() {
  return command('doctor', 'look at everything that a start needs; exit 1 if something is missing')
    .option(...JSON_OPTION)
    .action(async ({ json }: { json: boolean }) => {
      const settings = settingsOf(json);
      const database = openDatabase(settings, CONNECTIONS);
      // What a client of Kafka logs meanwhile is in the findings.
      const scene = { settings, logger: createLogger('silent'), database };
      const timeoutMs = Math.min(TIMEOUT_MS, Math.max(settings.STARTUP_TIMEOUT_S, 1) * 1_000);
      const findings = [
        { check: 'settings', ...ok('', 'valid') },
        ...(await runChecks(CHECKS, scene, timeoutMs)),
      ];
      // Not awaited: it would wait for a connection attempt that hangs.
      void database.end();
      const failed = findings.filter(({ verdict }) => verdict === 'fail').length;
      if (json) printJson({ ok: failed === 0, findings });
      else for (const finding of findings) printFinding(finding);
      if (failed > 0) throw new CheckFailedError(`${failed} of these must be put right first`);
    });
}

function settingsOf(json: boolean): Settings {
  try {
    return loadSettings(process.env, ['kafka', 'registry', 'database']);
  } catch (error) {
    if (json && error instanceof WrongUsageError) {
      const fields = { check: 'settings', verdict: 'fail', subject: '', found: error.message };
      printJson({ ok: false, findings: [{ ...fields, todo: 'set them as expected' }] });
    }
    throw error;
  }
}

function printFinding({ check, verdict, subject, found, todo }: CheckedFinding): void {
  const what = subject === '' ? check : `${check}: ${subject}`;
  printVerdict(verdict, `${what}: ${found}`);
  if (todo !== undefined) print(`      → ${todo}`);
}
