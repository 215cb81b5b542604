/** Distillation from start to end: teacher, batches, steps, schedule, validation, checkpoints, events. */
import { planBatches } from '../data/plan-batches.ts';
import { LimbeckError } from '../errors.ts';
import type { StateArrays } from '../matrix/state-arrays.ts';
import { parseOptions } from '../strategies/options.ts';
import type { TrainableStudent } from '../students/student.ts';
import { warnOnConsole } from '../warnings.ts';
import { checkParts } from './check-parts.ts';
import { BEST_FILE, CHECKPOINT_FILE, CheckpointFile, checkpointOptionsSchema } from './checkpoint.ts';
import {
  cacheOptionsSchema,
  type DistillEvent,
  type DistillOptions,
  type DistillResult,
  earlyStoppingSchema,
  type StepEvent,
  trainingOptionsSchema,
  validationOptionsSchema,
} from './distill-options.ts';
import { History } from './history.ts';
import { findLearningRate } from './learning-rate-finder.ts';
import { parseOptimizer } from './optimizers/index.ts';
import { scheduleFactor } from './schedule.ts';
import type { Step } from './step.ts';
import { StepBatches } from './step-batches.ts';
import { type AskOptions, askTeacher, teacherWidths } from './teacher-answers.ts';
import { ThreePassStep } from './three-pass-step.ts';
import { TrainingStep } from './training-step.ts';
import { Validator } from './validator.ts';

/**
 * Trains a student on what a teacher says of the data, on labels, or on both.
 *
 * The same seed on the same machine with the same number of threads gives the same bits.
 *
 * @throws LimbeckError INVALID_OPTION, SHAPE_MISMATCH (rows and samples), MISSING_LAYER (the strategy reads a layer that the
 *   student does not have), DIVERGED with step, component and samples, ABORTED, CHECKPOINT_MISMATCH, DEVICE_UNAVAILABLE; errors of
 *   teachers, data and files
 *
 * @example
 * const strategy = new ContrastiveDistillationStrategy({ temperature: 0.05, negativesSampleSize: rows.rows });
 * strategy.bank = new TeacherBank(rows);
 * await distill({ teacher: rows, student, data, strategy, epochs: 10, batchSize: 256, optimizer: { learningRate: 0.005 } });
 */
export async function distill<S extends TrainableStudent<Sample, unknown>, Sample = string>(
  options: DistillOptions<S, Sample>,
): Promise<DistillResult<S>> {
  const run = new Run(parseAll(options));
  try {
    return await run.train();
  } finally {
    await run.release();
  }
}

/** The options, each checked and with its defaults. */
function parseAll<S extends TrainableStudent<Sample, unknown>, Sample>(options: DistillOptions<S, Sample>) {
  const {
    teacher,
    cache,
    student,
    data,
    strategy,
    optimizer,
    useLabels = false,
    validation,
    earlyStopping,
    checkpoint,
    device,
    onEvent,
    onStep,
    signal,
    ...numbers
  } = options;
  const { data: measured, teacher: itsTeacher, ...validationNumbers } = validation ?? {};
  return {
    ...{ teacher, student, data, strategy, useLabels, device, onEvent, onStep, signal },
    validation: measured && { data: measured, ...(itsTeacher && { teacher: itsTeacher }) },
    validationOptions: parseOptions(validationOptionsSchema, validationNumbers, 'distill: validation'),
    training: parseOptions(trainingOptionsSchema, numbers, 'distill'),
    optimizer: parseOptimizer(optimizer ?? {}, 'distill: optimizer'),
    cache: cache && parseOptions(cacheOptionsSchema, cache, 'distill: cache'),
    earlyStopping: earlyStopping && parseOptions(earlyStoppingSchema, earlyStopping, 'distill: earlyStopping'),
    checkpoint: checkpoint && parseOptions(checkpointOptionsSchema, checkpoint, 'distill: checkpoint'),
  };
}

type Parsed<S extends TrainableStudent<Sample, unknown>, Sample> = ReturnType<typeof parseAll<S, Sample>>;

class Run<S extends TrainableStudent<Sample, unknown>, Sample> {
  readonly #options: Parsed<S, Sample>;
  /** What is to be released, the latest first. */
  readonly #held: (() => Promise<void>)[] = [];

  constructor(options: Parsed<S, Sample>) {
    this.#options = options;
  }

  async release(): Promise<void> {
    for (const release of this.#held.reverse()) await release();
  }

  async train(): Promise<DistillResult<S>> {
    const { student, data, strategy, useLabels, training, validationOptions, earlyStopping, signal } = this.#options;
    const { seed, epochs, batchSize, microBatchSize, accumulate } = training;
    const classifies = student.classes !== undefined;
    checkParts(teacherWidths(this.#options.teacher, classifies), student, data, strategy, useLabels);
    const plan = planBatches(data, { batching: training.batching, batchSize, seed });

    const validator = await this.#validator();
    const metric = bestMetric(earlyStopping?.metric, this.#options.checkpoint?.best);
    const history = new History({ metric, earlyStopping, known: validator?.metricNames });
    const teacher = await askTeacher(this.#options.teacher, data, this.#asking('training'));
    this.#held.push(() => teacher.release());
    const labels = useLabels ? data.labels : undefined;
    const batches = await StepBatches.of({ student, data, teacher, plan, labels, microBatchSize, accumulate });
    const { perEpoch } = batches;
    const steps = epochs * perEpoch;
    const step = this.#step(teacher.width);
    const files = this.#files(teacher.identity, validator?.identity);

    const earlier = await files?.last.read();
    if (files && earlier) {
      step.restore(earlier.state);
      history.restore(earlier.history);
      this.#emit({ type: 'resume', path: files.last.path, step: earlier.step, steps });
    }
    let done = earlier?.step ?? 0;
    let epochLoss = earlier?.epochLoss ?? 0;
    const started = performance.now();
    const seconds = (): number => (earlier?.seconds ?? 0) + (performance.now() - started) / 1000;
    const learningRate = earlier?.learningRate ?? (await this.#learningRate(step, batches, steps));
    const progress = () => ({ step: done, epochLoss, seconds: seconds(), learningRate, history: history.state() });
    const save = async (): Promise<void> => {
      if (!files) return;
      await files.last.write({ ...progress(), state: step.state() });
      this.#emit({ type: 'checkpoint', path: files.last.path, step: done });
    };
    let best: StateArrays | undefined;
    while (done < steps && !history.finished) {
      if (signal?.aborted) {
        await save();
        throw aborted(done, steps, files?.last.path);
      }
      if (done % perEpoch === 0) epochLoss = 0;
      const rate = learningRate * scheduleFactor(training, done, steps);
      const result = await step.run(await batches.take(done, steps), rate);
      done++;
      epochLoss += result.loss / perEpoch;
      const epoch = done / perEpoch;
      this.#emit({ type: 'step', ...result, step: done, steps, epoch, learningRate: rate, seconds: seconds() });
      const measured = validator && (done === steps || done % (perEpoch * validationOptions.every) === 0);
      if (measured) {
        const began = performance.now();
        step.writeBack();
        const point = { step: done, epoch, metrics: await validator.measure() };
        const isBest = history.add(point);
        if (isBest && files) await files.best.write({ ...progress(), state: step.state() });
        else if (isBest) best = step.state();
        this.#emit({ type: 'validation', ...point, best: isBest, seconds: (performance.now() - began) / 1000 });
      }
      const ended = done === steps || history.finished;
      if (files && (ended || done % files.every === 0)) await save();
    }
    if (earlyStopping && history.best && history.best.step !== done) {
      const state = files ? (await files.best.read())?.state : best;
      if (!state) throw bestMissing(files?.best.path);
      step.restore(state);
    }
    return {
      student,
      steps: done,
      stoppedEarly: done < steps,
      seconds: seconds(),
      loss: epochLoss,
      validation: history.points,
      best: history.best,
      teacher: teacher.work,
    };
  }

  async #validator(): Promise<Validator<Sample> | undefined> {
    const { student, validation, validationOptions, teacher } = this.#options;
    if (!validation) return undefined;
    const validator = await Validator.of(student, validation, validationOptions, teacher, this.#asking('validation'));
    this.#held.push(() => validator.release());
    return validator;
  }

  #step(teacherWidth: number | undefined): Step {
    const { student, strategy, optimizer, training, device } = this.#options;
    const StepKind = training.microBatchSize === undefined && training.accumulate === 1 ? TrainingStep : ThreePassStep;
    const step: Step = new StepKind(student, strategy, optimizer, teacherWidth, device ? { device } : {});
    this.#held.push(async () => {
      step.writeBack();
      await step.release();
    });
    return step;
  }

  /** The checkpoint files, which know the run by everything that its bits depend on. */
  #files(teacher: unknown, validation: unknown) {
    const { checkpoint, data, useLabels, training, validationOptions, optimizer, strategy, earlyStopping } =
      this.#options;
    if (!checkpoint) return undefined;
    const run = {
      data: data.fingerprint,
      teacher,
      useLabels,
      ...training,
      optimizer,
      strategy: [strategy.constructor.name, strategy.settings()],
      ...(validation !== undefined && { validation: [validation, validationOptions.every] }),
      earlyStopping,
    };
    return {
      every: checkpoint.every,
      last: new CheckpointFile(checkpoint.directory, CHECKPOINT_FILE, run),
      best: new CheckpointFile(checkpoint.directory, BEST_FILE, run),
    };
  }

  async #learningRate(step: Step, batches: StepBatches<Sample>, steps: number): Promise<number> {
    const { training, optimizer, signal } = this.#options;
    if (!training.findLearningRate) return optimizer.learningRate;
    const found = await findLearningRate(
      step,
      (trial) => batches.take(trial % steps, steps),
      (trial) => this.#emit({ type: 'learning rate', ...trial, found: false }),
      () => signal?.aborted ?? false,
    );
    this.#emit({ type: 'learning rate', ...found, found: true });
    return found.learningRate;
  }

  #asking(what: 'training' | 'validation'): AskOptions {
    const { cache, student, signal } = this.#options;
    return {
      cache,
      classifies: student.classes !== undefined,
      onProgress: (progress) => this.#emit({ type: 'teacher', what, ...progress }),
      onWarning: (message) => this.#emit({ type: 'warning', message }),
      signal,
    };
  }

  #emit(event: DistillEvent): void {
    const { onEvent, onStep } = this.#options;
    if (event.type === 'step') onStep?.(event satisfies StepEvent);
    onEvent?.(event);
    // Warnings are never lost.
    if (event.type === 'warning' && !onEvent) warnOnConsole(event.message);
  }
}

/** There is one best state of a run. @throws LimbeckError INVALID_OPTION for two different metrics */
function bestMetric(stopping: string | undefined, kept: string | undefined): string | undefined {
  if (stopping === undefined || kept === undefined || stopping === kept) return stopping ?? kept;
  throw new LimbeckError(
    'INVALID_OPTION',
    `distill: checkpoint: option best: expected the metric of early stopping, "${stopping}", or none, got "${kept}". Leave it out.`,
  );
}

function aborted(done: number, steps: number, path: string | undefined): LimbeckError {
  const kept = path ? ` The checkpoint ${path} says where; start again to go on.` : '';
  return new LimbeckError('ABORTED', `Training was interrupted on request after ${done} of ${steps} steps.${kept}`);
}

function bestMissing(path = 'the best checkpoint'): LimbeckError {
  return new LimbeckError(
    'FILE_UNREADABLE',
    `${path}: expected the state of the best validation, got no such file. Delete the checkpoints to train anew.`,
  );
}
