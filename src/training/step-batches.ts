/**
 * The batches of a run, as steps want them: samples read, encoded and laid out, teacher rows gathered. The next step's batches are
 * prepared while the runtime works on the present one; what a batch holds depends on its place in the run alone.
 */

import type { BatchPlan } from '../data/batch-plan.ts';
import type { Dataset, InMemoryDataset } from '../data/dataset.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { TrainableStudent } from '../students/student.ts';
import type { StepBatch } from './step.ts';
import { everyNumber, type TeacherAnswers } from './teacher-answers.ts';

export interface StepBatchesParts<Sample> {
  readonly student: TrainableStudent<Sample, unknown>;
  readonly data: Dataset<Sample>;
  readonly teacher: TeacherAnswers<Sample>;
  readonly plan: BatchPlan;
  /** The labels that the strategy is given; undefined for none. */
  readonly labels: Int32Array | undefined;
  readonly microBatchSize: number | undefined;
  /** Batches of one step. */
  readonly accumulate: number;
}

export class StepBatches<Sample> {
  /** Steps of an epoch. */
  readonly perEpoch: number;
  readonly #parts: StepBatchesParts<Sample>;
  /** Samples of data in memory, encoded once; data on disk is encoded as it is read. */
  readonly #encoded: readonly unknown[] | undefined;
  #next: { readonly step: number; readonly batches: Promise<StepBatch[]> } | undefined;

  private constructor(parts: StepBatchesParts<Sample>, encoded: readonly unknown[] | undefined) {
    this.#parts = parts;
    this.#encoded = encoded;
    this.perEpoch = Math.ceil(parts.plan.perEpoch / parts.accumulate);
  }

  static async of<Sample>(parts: StepBatchesParts<Sample>): Promise<StepBatches<Sample>> {
    const { data, student } = parts;
    const once = isInMemory(data) && !data.augmented;
    return new StepBatches(parts, once ? student.encode(await data.read(everyNumber(data.size))) : undefined);
  }

  /** The batches of a step, counted from 0 over the whole run; begins with those of the step after it, if there is one. */
  async take(step: number, steps: number): Promise<StepBatch[]> {
    const batches = this.#next?.step === step ? this.#next.batches : this.#prepare(step);
    this.#next = undefined;
    const result = await batches;
    if (step + 1 < steps) {
      const next = this.#prepare(step + 1);
      // It is reported when it is taken; until then nobody waits for it.
      next.catch(() => {});
      this.#next = { step: step + 1, batches: next };
    }
    return result;
  }

  async #prepare(step: number): Promise<StepBatch[]> {
    const { plan, accumulate } = this.#parts;
    const epoch = Math.floor(step / this.perEpoch);
    const first = (step % this.perEpoch) * accumulate;
    const result: StepBatch[] = [];
    for (let k = first; k < Math.min(first + accumulate, plan.perEpoch); k++) {
      result.push(await this.#batch(plan.batch(epoch, k), epoch * plan.perEpoch + k));
    }
    return result;
  }

  /** @param view counts the batches of the run: of augmented data every batch is a look of its own */
  async #batch(sampleIds: Int32Array, view: number): Promise<StepBatch> {
    const { student, data, teacher, labels, microBatchSize } = this.#parts;
    const samples = this.#encoded ? [] : await data.read(sampleIds, view);
    const encoded = this.#encoded
      ? Array.from(sampleIds, (i) => (this.#encoded as readonly unknown[])[i])
      : student.encode(samples);
    const { embeddings, outputs } = await teacher.of(sampleIds, samples);
    const { duplicateOf } = data;
    return {
      student: parts(encoded, microBatchSize).map((part) => student.prepareBatch(part)),
      teacher: embeddings,
      teacherOutputs: outputs,
      labels: labels && student.classes ? oneHot(labels, sampleIds, student.classes) : undefined,
      sampleIds: duplicateOf ? sampleIds.map((i) => duplicateOf[i]) : sampleIds,
      duplicateOf,
      classIndices: labels && sampleIds.map((i) => labels[i]),
    };
  }
}

function isInMemory<Sample>(data: Dataset<Sample>): data is InMemoryDataset<Sample> {
  return 'samples' in data;
}

/** Samples in parts of at most `size`. */
function parts<T>(samples: readonly T[], size = samples.length): T[][] {
  return Array.from({ length: Math.ceil(samples.length / size) }, (_, k) => samples.slice(k * size, (k + 1) * size));
}

/** The labels of a batch as probabilities, [batch, classes]. */
function oneHot(labels: Int32Array, samples: Int32Array, classes: number): Matrix {
  const result = Matrix.zeros(samples.length, classes);
  for (const [row, i] of samples.entries()) result.data[row * classes + labels[i]] = 1;
  return result;
}
