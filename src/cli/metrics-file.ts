/**
 * `metrics.jsonl` of a run that may be killed and gone on with: lines are appended as they come, and cut back to the checkpoint when the run
 * goes on, so that no step stands in it twice.
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { MetricsLine } from '../report/metrics-lines.ts';
import { unwritable, writeFileAtomic } from '../runtime/files.ts';
import { readText } from '../runtime/read-files.ts';

export class MetricsFile {
  readonly path: string;
  #handle: FileHandle | undefined;
  /** Writes follow one another: each waits for the last. */
  #last: Promise<void> = Promise.resolve();
  #error: unknown;
  #started = false;

  constructor(path: string) {
    this.path = path;
  }

  /** Whether {@link start} was called. */
  get started(): boolean {
    return this.#started;
  }

  /** Opens the file with what it holds up to a step, and nothing else; a failure is thrown by {@link flush}. */
  start(step: number): void {
    this.#started = true;
    this.#queue(async () => {
      const kept = step === 0 ? [] : (await this.#lines()).filter((line) => stepOf(line) <= step);
      await writeFileAtomic(this.path, kept.map((line) => `${line}\n`).join(''));
      this.#handle = await open(this.path, 'a');
    });
  }

  /** Queues a line; a failure is thrown by {@link flush}. */
  append(line: MetricsLine): void {
    this.#queue(async () => this.#handle?.appendFile(`${JSON.stringify(line)}\n`));
  }

  /**
   * Waits until everything is on the disk.
   *
   * @throws LimbeckError FILE_UNWRITABLE
   */
  async flush(): Promise<void> {
    this.#queue(async () => this.#handle?.datasync());
    await this.#last;
    if (this.#error) throw unwritable(this.path, this.#error, 'Start again, and the run goes on.');
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  #queue(write: () => Promise<unknown>): void {
    this.#last = this.#last.then(async () => {
      if (this.#error) return;
      try {
        await write();
      } catch (error) {
        this.#error = error;
      }
    });
  }

  async #lines(): Promise<string[]> {
    const text = await readText(this.path, 'the metrics of the run').catch((error) => {
      // A run whose metrics are gone can still be gone on with.
      if ((error as { cause?: NodeJS.ErrnoException }).cause?.code === 'ENOENT') return '';
      throw error;
    });
    return text.split('\n').filter((line) => line.trim() !== '');
  }
}

/** A line that was cut off by a kill belongs to no step that is kept. */
function stepOf(line: string): number {
  try {
    const { step } = JSON.parse(line) as { step?: unknown };
    return typeof step === 'number' ? step : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
