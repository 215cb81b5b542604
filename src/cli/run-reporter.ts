/** What happens in a run, as lines of progress for people and as lines of metrics.jsonl for reports. */
import type {
  DistillEvent,
  LearningRateEvent,
  ResumeEvent,
  StepEvent,
  ValidationEvent,
} from '../training/distill-options.ts';
import type { MetricsFile } from './metrics-file.ts';
import type { Progress } from './progress.ts';
import { StepLines } from './step-lines.ts';
import { count, showTeacherProgress } from './teacher-progress.ts';

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
  readonly #lines: StepLines;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
    this.#lines = new StepLines(parts.metrics, { method: METHOD, seed: parts.seed });
  }

  readonly onEvent = (event: DistillEvent): void => {
    if (event.type === 'teacher') showTeacherProgress(this.#parts.progress, event.what, event);
    else if (event.type === 'learning rate') this.#learningRate(event);
    else if (event.type === 'resume') this.#resume(event);
    else if (event.type === 'step') this.#step(event);
    else if (event.type === 'validation') this.#validation(event);
    else if (event.type === 'warning') this.#parts.progress.warn(event.message);
  };

  #learningRate({ learningRate, loss, found }: LearningRateEvent): void {
    const { progress } = this.#parts;
    const text = `learning rate ${learningRate.toExponential(1)}`;
    if (found) progress.finish('rate', `training with ${text}, found by trial`);
    else progress.update('rate', `trying ${text} · loss ${loss.toFixed(3)}`, { done: 0, seconds: 0 });
  }

  #resume({ step, steps }: ResumeEvent): void {
    const { progress, metrics } = this.#parts;
    metrics.start(step);
    progress.finish('resume', `going on from step ${count(step)} of ${count(steps)}`);
  }

  #step(event: StepEvent): void {
    const { progress, epochs, samples, unit } = this.#parts;
    const { step, steps, epoch, seconds } = event;
    this.#lines.add(event);
    const rate = count(Math.round((epoch * samples) / Math.max(seconds, 1e-3)));
    progress.update(
      'train',
      `epoch ${epoch.toFixed(1)}/${epochs} · loss ${event.loss.toFixed(3)} · ${rate} ${unit}/s`,
      { done: step / steps, seconds },
    );
  }

  #validation({ step, epoch, metrics: found, best, seconds }: ValidationEvent): void {
    const { progress, metrics, seed, epochs } = this.#parts;
    metrics.append({ method: METHOD, seed, step, epoch, seconds, validation: { ...found } });
    const shown = Object.entries(found).map(([name, value]) => `${name} ${value.toFixed(3)}`);
    const mark = best ? ' (best so far)' : '';
    progress.finish('measure', `epoch ${Number(epoch.toFixed(2))}/${epochs}: ${shown.join(', ')}${mark}`);
  }
}
