/**
 * Progress on stderr: one line for each stage, rewritten in place on a terminal, and repeated now and then elsewhere, so that a
 * log file stays short. Results never come here: they go to stdout.
 */

export interface ProgressSink {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Milliseconds between two lines of the same stage. */
const ON_TERMINAL = 100;
const IN_LOG = 15_000;

/** Columns that the name of a stage takes. */
const STAGE_WIDTH = 9;

/**
 * @example
 * const progress = new Progress(process.stderr);
 * progress.update('teacher', '4,096/20,000 rows', { done: 0.2, seconds: 5.2 }); // teacher  4,096/20,000 rows · 21s left
 * progress.finish('teacher', '20,000 rows');
 */
export class Progress {
  readonly #sink: ProgressSink;
  #last = 0;
  #open = false;

  constructor(sink: ProgressSink) {
    this.#sink = sink;
  }

  /**
   * @param done share of the work that is done, in [0, 1]
   * @param seconds time since this work began
   */
  update(stage: string, text: string, { done, seconds }: { readonly done: number; readonly seconds: number }): void {
    const now = performance.now();
    if (this.#last !== 0 && now - this.#last < (this.#sink.isTTY ? ON_TERMINAL : IN_LOG)) return;
    this.#last = now;
    // The first instants say more about start-up than about the rate.
    const left = done > 0.005 && seconds > 0.5 ? ` · ${formatLeft((seconds * (1 - done)) / done)} left` : '';
    this.#line(stage, `${text}${left}`, false);
  }

  /** Ends a stage with a line that stays. */
  finish(stage: string, text: string): void {
    this.#last = 0;
    this.#line(stage, text, true);
  }

  /** A line of its own, outside the stages. */
  warn(text: string): void {
    this.#clear();
    this.#sink.write(`limbeck: ${text}\n`);
  }

  #line(stage: string, text: string, final: boolean): void {
    this.#clear();
    const line = `${stage.padEnd(STAGE_WIDTH)}${text}`;
    if (this.#sink.isTTY && !final) {
      const width = (this.#sink.columns ?? 80) - 1;
      this.#sink.write(line.length > width ? `${line.slice(0, width - 1)}…` : line);
      this.#open = true;
    } else {
      this.#sink.write(`${this.#sink.isTTY ? this.#wrapped(line) : line}\n`);
    }
  }

  /** Broken between words, further lines under the text; a terminal alone would break anywhere. */
  #wrapped(line: string): string {
    const width = Math.max(20, (this.#sink.columns ?? 80) - 1 - STAGE_WIDTH);
    const lines = line.slice(STAGE_WIDTH).match(new RegExp(`\\S.{0,${width - 1}}(?= |$)|\\S+`, 'g')) ?? [];
    return line.slice(0, STAGE_WIDTH) + lines.join(`\n${' '.repeat(STAGE_WIDTH)}`);
  }

  #clear(): void {
    if (this.#open) this.#sink.write('\r\u001b[2K');
    this.#open = false;
  }
}

function formatLeft(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  return whole < 60 ? `${whole}s` : `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, '0')}s`;
}
