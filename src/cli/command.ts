import { Command } from 'commander';
import { createLogger, type Logger } from '../config/logger.ts';
import { loadSettings, type SettingGroup, type Settings } from '../config/settings.ts';

export { note, print, printAll, printJson } from './output.ts';

/** What a command works with, checked before it begins. */
export interface CommandContext {
  readonly settings: Settings;
  readonly logger: Logger;
}

/** Reads the settings that a command needs; exit 2 with every problem when they are not usable. */
export function context(needs: readonly SettingGroup[]): CommandContext {
  const settings = loadSettings(process.env, needs);
  return { settings, logger: createLogger(settings.LOG_LEVEL) };
}

/** A command without anything set yet but its name and what it does. */
export function command(name: string, about: string): Command {
  return new Command(name).description(about);
}
