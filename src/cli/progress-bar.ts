const WIDTH = 32;
/** Shorter work needs no progress. */
const QUIET_MS = 2_000;
const REDRAW_MS = 100;

/** Where a progress bar is drawn. */
export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface ProgressBarOptions {
  readonly terminal?: Terminal;
  /** In milliseconds. */
  readonly now?: () => number;
}

/**
 * Progress on standard error, with rate and time left, once the work has taken two seconds. Nothing
 * where that is not a terminal.
 */
export class ProgressBar {
  readonly #label: string;
  readonly #terminal: Terminal;
  readonly #now: () => number;
  readonly #begun: number;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #shown = '';

  constructor(label: string, { terminal = process.stderr, now }: ProgressBarOptions = {}) {
    this.#label = label;
    this.#terminal = terminal;
    this.#now = now ?? (() => performance.now());
    this.#begun = this.#now();
  }

  /**
   * @param done of `total`, in any unit
   * @param count what is counted in the rate, when it is something else
   */
  update(done: number, total: number, count = done): void {
    const now = this.#now();
    const elapsed = now - this.#begun;
    if (!this.#terminal.isTTY || elapsed < QUIET_MS || now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    const share = total === 0 ? 1 : Math.min(done / total, 1);
    const full = Math.round(share * WIDTH);
    const bar = '█'.repeat(full) + '░'.repeat(WIDTH - full);
    const rate = Math.round((count / elapsed) * 1_000);
    const left = share === 0 ? '' : `, ${durationOf((elapsed / share) * (1 - share))} left`;
    const text = `${this.#label} ${bar} ${Math.floor(share * 100)} %, ${count} at ${rate}/s${left}`;
    this.#terminal.write(`\r${text.padEnd(this.#shown.length)}`);
    this.#shown = text;
  }

  /** Takes it away. */
  clear(): void {
    if (this.#shown !== '') this.#terminal.write(`\r${' '.repeat(this.#shown.length)}\r`);
    this.#shown = '';
  }

  /** Replaces it by a summary and the time taken. */
  end(summary: string): void {
    this.clear();
    const seconds = ((this.#now() - this.#begun) / 1_000).toFixed(1);
    this.#terminal.write(`${this.#label}: ${summary} in ${seconds} s\n`);
  }
}

/** 75_000 as `1 min 15 s`. */
function durationOf(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
