import { UnreachableError } from '../../src/errors.ts';

/** A service that would not start: it exited, or never answered. The message has the log's tail. */
export class ServiceStartError extends UnreachableError {
  /** True when the log says that somebody else took the port first; worth another try. */
  readonly portTaken: boolean;

  constructor(message: string, logTail: string) {
    super(logTail === '' ? message : `${message}. The end of its log:\n${indent(logTail)}`);
    this.portTaken =
      /address (already )?in use|seems to be in use|BindException|could not bind/i.test(logTail);
  }
}

/** A Docker engine neither has an image nor can pull it. */
export class ImageUnavailableError extends UnreachableError {}

/** Nothing on this machine can serve; the message says what to install. */
export class StackUnavailableError extends UnreachableError {}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  | ');
}
