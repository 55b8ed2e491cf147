import { Command } from 'commander';
import { createLogger, type Logger } from '../config/logger.ts';
import { loadSettings, type SettingGroup, type Settings } from '../config/settings.ts';

export { note, print, printAll, printJson, printResult } from './output.ts';

/** What a command works with, validated before it starts. */
export interface CommandContext {
  readonly settings: Settings;
  readonly logger: Logger;
}

/** Loads the settings that a command needs; exits 2 with every problem found. */
export function context(needs: readonly SettingGroup[]): CommandContext {
  const settings = loadSettings(process.env, needs);
  return { settings, logger: createLogger(settings.LOG_LEVEL) };
}

/** What --json does, in every command that has it. */
export const JSON_OPTION = ['--json', 'print JSON and nothing else', false] as const;

/** A command with its name and description. */
export function command(name: string, about: string): Command {
  return new Command(name).description(about);
}
