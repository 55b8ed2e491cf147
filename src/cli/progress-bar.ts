const WIDTH = 32;

/** A progress bar on standard error; one line at the end when that is not a terminal. */
export class ProgressBar {
  readonly #label: string;
  readonly #begun = performance.now();
  #shown = '';

  constructor(label: string) {
    this.#label = label;
  }

  update(done: number, total: number): void {
    if (!process.stderr.isTTY) return;
    const share = total === 0 ? 1 : done / total;
    const full = Math.round(share * WIDTH);
    const bar = '█'.repeat(full) + '░'.repeat(WIDTH - full);
    const line = `${this.#label} ${bar} ${done}/${total}`;
    if (line !== this.#shown) process.stderr.write(`\r${line}`);
    this.#shown = line;
  }

  /** Replaces the bar by a summary and the time taken. */
  end(summary: string): void {
    if (this.#shown !== '') process.stderr.write(`\r${' '.repeat(this.#shown.length)}\r`);
    const seconds = ((performance.now() - this.#begun) / 1_000).toFixed(1);
    process.stderr.write(`${this.#label}: ${summary} in ${seconds} s\n`);
  }
}
