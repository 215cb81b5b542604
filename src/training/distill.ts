/** Distillation from start to end: batches, steps, schedule, events. */
import { EpochBatches } from '../data/epoch-batches.ts';
import { LimbeckError } from '../errors.ts';
import { parseOptions } from '../strategies/options.ts';
import type { TrainableStudent } from '../students/student.ts';
import { CheckpointFile, checkpointOptionsSchema } from './checkpoint.ts';
import { checkParts, digestOf, everyNumber, microBatches, oneHot, teacherRows } from './distill-inputs.ts';
import { type DistillOptions, type DistillResult, type StepEvent, trainingOptionsSchema } from './distill-options.ts';
import { parseOptimizer } from './optimizers/index.ts';
import { scheduleFactor } from './schedule.ts';
import type { Step, StepBatch } from './step.ts';
import { ThreePassStep } from './three-pass-step.ts';
import { TrainingStep } from './training-step.ts';

/**
 * Trains a student on what a teacher says of the data, on labels, or on both.
 *
 * The same seed on the same machine with the same number of threads gives the same bits.
 *
 * @throws LimbeckError INVALID_OPTION, SHAPE_MISMATCH (rows and samples), MISSING_LAYER (the strategy reads a layer that the
 *   student does not have), DIVERGED, ABORTED, CHECKPOINT_MISMATCH, DEVICE_UNAVAILABLE
 *
 * @example
 * const strategy = new ContrastiveDistillationStrategy({ temperature: 0.05, negativesSampleSize: rows.rows });
 * strategy.bank = new TeacherBank(rows);
 * await distill({ teacher: rows, student, data, strategy, epochs: 10, batchSize: 256, optimizer: { learningRate: 0.005 } });
 */
export async function distill<S extends TrainableStudent<Sample, unknown>, Sample = string>(
  options: DistillOptions<S, Sample>,
): Promise<DistillResult<S>> {
  const {
    teacher,
    student,
    data,
    strategy,
    optimizer,
    useLabels = false,
    checkpoint,
    device,
    onEvent,
    onStep,
    signal,
    ...numbers
  } = options;
  const training = parseOptions(trainingOptionsSchema, numbers, 'distill');
  const { epochs, batchSize, seed, microBatchSize, accumulate } = training;
  const saving = checkpoint && parseOptions(checkpointOptionsSchema, checkpoint, 'distill: checkpoint');
  const optimizerOptions = parseOptimizer(optimizer ?? {}, 'distill: optimizer');
  const { embeddings, outputs } = await teacherRows(teacher, data, signal);
  const labels = useLabels ? data.labels : undefined;
  checkParts({ embeddings, outputs }, student, data, strategy, useLabels);

  const encoded = student.encode(await data.read(everyNumber(data.size)));
  const batches = new EpochBatches(data.size, batchSize, seed);
  const perEpoch = Math.ceil(batches.perEpoch / accumulate);
  const steps = epochs * perEpoch;
  const { duplicateOf } = data;
  const StepKind = microBatchSize === undefined && accumulate === 1 ? TrainingStep : ThreePassStep;
  const step: Step = new StepKind(student, strategy, optimizerOptions, embeddings?.columns, device ? { device } : {});
  const stepBatch = (sampleIds: Int32Array): StepBatch => ({
    student: microBatches(sampleIds, microBatchSize).map((samples) =>
      student.prepareBatch(Array.from(samples, (i) => encoded[i])),
    ),
    teacher: embeddings?.gather(sampleIds),
    teacherOutputs: outputs?.gather(sampleIds),
    labels: labels && student.classes ? oneHot(labels, sampleIds, student.classes) : undefined,
    sampleIds: duplicateOf ? sampleIds.map((i) => duplicateOf[i]) : sampleIds,
    duplicateOf,
    classIndices: labels && sampleIds.map((i) => labels[i]),
  });
  const run = JSON.stringify({
    data: data.fingerprint,
    teacher: [embeddings, outputs].map((rows) => rows && digestOf(rows)),
    useLabels,
    ...training,
    optimizer: optimizerOptions,
    strategy: [strategy.constructor.name, strategy.settings()],
  });
  const file = saving && new CheckpointFile(saving.directory, run);
  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  let lastEpochLoss = 0;
  try {
    const saved = await file?.read();
    if (saved) {
      step.restore(saved.state);
      lastEpochLoss = saved.lastEpochLoss;
    }
    const save = (done: number) => file?.write({ step: done, lastEpochLoss, state: step.state() });
    for (let done = saved?.step ?? 0; done < steps; done++) {
      if (signal?.aborted) {
        await save(done);
        const kept = file ? ` The checkpoint ${file.path} says where; start again to go on.` : '';
        throw new LimbeckError(
          'ABORTED',
          `Training was interrupted on request after ${done} of ${steps} steps.${kept}`,
        );
      }
      const epoch = Math.floor(done / perEpoch);
      const first = (done % perEpoch) * accumulate;
      const last = Math.min(first + accumulate, batches.perEpoch);
      const learningRate = optimizerOptions.learningRate * scheduleFactor(training, done, steps);
      const taken: StepBatch[] = [];
      for (let k = first; k < last; k++) taken.push(stepBatch(batches.batch(epoch, k)));
      const result = await step.run(taken, learningRate);
      if (epoch === epochs - 1) lastEpochLoss += result.loss / perEpoch;
      if (saving && ((done + 1) % saving.every === 0 || done + 1 === steps)) await save(done + 1);
      const event: StepEvent = {
        type: 'step',
        ...result,
        step: done + 1,
        steps,
        epoch: (done + 1) / perEpoch,
        learningRate,
        seconds: elapsed(),
      };
      onStep?.(event);
      onEvent?.(event);
    }
  } finally {
    step.writeBack();
    await step.release();
  }
  return { student, steps, stoppedEarly: false, seconds: elapsed(), loss: lastEpochLoss, validation: [] };
}
