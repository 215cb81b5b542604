/** The steps of a training as lines of a metrics.jsonl: about a thousand of them, each with the mean loss of the steps since the last. */
import type { StepEvent } from '../training/distill-options.ts';
import type { MetricsFile } from './metrics-file.ts';

const LINES = 1000;

export class StepLines {
  readonly #file: MetricsFile;
  readonly #of: { readonly method: string; readonly seed: number };
  #since = { loss: 0, steps: 0 };

  /** @param of stands in every line */
  constructor(file: MetricsFile, of: { readonly method: string; readonly seed: number }) {
    this.#file = file;
    this.#of = of;
  }

  /** Tells of a step, in order; the first opens the file, unless a run that goes on has. */
  add({ step, steps, epoch, seconds, loss, components, learningRate, gradientNorm }: StepEvent): void {
    if (!this.#file.started) this.#file.start(step - 1);
    this.#since = { loss: this.#since.loss + loss, steps: this.#since.steps + 1 };
    if (step % Math.ceil(steps / LINES) !== 0 && step !== steps) return;
    this.#file.append({
      ...{ ...this.#of, step, epoch, seconds },
      loss: this.#since.loss / this.#since.steps,
      components: { ...components },
      ...{ learningRate, gradientNorm },
    });
    this.#since = { loss: 0, steps: 0 };
  }
}
