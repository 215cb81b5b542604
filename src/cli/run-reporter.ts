/** What happens in a run, as lines of progress for people and as lines of metrics.jsonl for reports. */
import type { DistillEvent, StepEvent, ValidationEvent } from '../training/distill-options.ts';
import type { MetricsFile } from './metrics-file.ts';
import type { Progress } from './progress.ts';
import { count, showTeacherProgress } from './teacher-progress.ts';

/** Lines of steps in a file, about: each is the mean of the steps since the last. */
const LINES = 1000;

/** In the words of run records: what `limbeck distill` trains. */
export const METHOD = 'student';

export interface ReporterParts {
  readonly progress: Progress;
  readonly metrics: MetricsFile;
  readonly seed: number;
  readonly epochs: number;
  /** Training samples, and what they are called. */
  readonly samples: number;
  readonly unit: 'texts' | 'images';
}

export class RunReporter {
  readonly #parts: ReporterParts;
  #since = { loss: 0, steps: 0 };
  #warnings: string[] = [];
  /** The last step that was taken, and how many there are. */
  #place: { step: number; steps: number } | undefined;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  get place(): { readonly step: number; readonly steps: number } | undefined {
    return this.#place;
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  readonly onEvent = (event: DistillEvent): void => {
    const { progress, metrics } = this.#parts;
    switch (event.type) {
      case 'teacher':
        return showTeacherProgress(progress, event.what, event);
      case 'learning rate': {
        const text = `learning rate ${event.learningRate.toExponential(1)}`;
        if (event.found) progress.finish('rate', `training with ${text}, found by trial`);
        else progress.update('rate', `trying ${text} · loss ${event.loss.toFixed(3)}`, { done: 0, seconds: 0 });
        return;
      }
      case 'resume': {
        const { step, steps } = event;
        this.#place = { step, steps };
        metrics.start(step);
        return progress.finish('resume', `going on from step ${count(step)} of ${count(steps)}`);
      }
      case 'step':
        return this.#step(event);
      case 'validation':
        return this.#validation(event);
      case 'checkpoint':
        return;
      case 'warning':
        this.#warnings.push(event.message);
        return progress.warn(event.message);
    }
  };

  #step(event: StepEvent): void {
    const { progress, metrics, epochs, samples, unit } = this.#parts;
    const { step, steps, epoch, seconds, learningRate, gradientNorm, components } = event;
    if (!metrics.started) metrics.start(step - 1);
    this.#place = { step, steps };
    this.#since = { loss: this.#since.loss + event.loss, steps: this.#since.steps + 1 };
    if (step % Math.ceil(steps / LINES) === 0 || step === steps) {
      metrics.append({
        ...this.#line(step, epoch, seconds),
        loss: this.#since.loss / this.#since.steps,
        components: { ...components },
        learningRate,
        gradientNorm,
      });
      this.#since = { loss: 0, steps: 0 };
    }
    const rate = count(Math.round((epoch * samples) / Math.max(seconds, 1e-3)));
    progress.update(
      'train',
      `epoch ${epoch.toFixed(1)}/${epochs} · loss ${event.loss.toFixed(3)} · ${rate} ${unit}/s`,
      { done: step / steps, seconds },
    );
  }

  #validation({ step, epoch, metrics: found, best, seconds }: ValidationEvent): void {
    const { progress, metrics, epochs } = this.#parts;
    metrics.append({ ...this.#line(step, epoch, seconds), validation: { ...found } });
    const shown = Object.entries(found).map(([name, value]) => `${name} ${value.toFixed(3)}`);
    const mark = best ? ' (best so far)' : '';
    progress.finish('measure', `epoch ${Number(epoch.toFixed(2))}/${epochs}: ${shown.join(', ')}${mark}`);
  }

  #line(step: number, epoch: number, seconds: number) {
    return { method: METHOD, seed: this.#parts.seed, step, epoch, seconds };
  }
}
