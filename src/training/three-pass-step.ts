/**
 * A training step for batches that a student cannot embed at once: gradient caching (Gao et al., "Scaling Deep Contrastive Learning
 * Batch Size under Memory Limited Setup", 2021). Three passes:
 *
 * 1. the student embeds the batch in micro-batches, and nothing but what the loss reads is kept;
 * 2. the strategy gives the loss and its gradient by that, in tiles where they are needed;
 * 3. the micro-batches are embedded once more and that gradient is taken back through each, adding up; then the optimizer steps.
 *
 * Equal to the plain step up to rounding, unless the student normalises by statistics of the batch: those are then of micro-batches.
 */
import { declaring } from '../graph/declare.ts';
import { add, gradients, mul, type SymbolicTensor, sum } from '../graph/index.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { TensorData } from '../runtime/backend.ts';
import { compile, type Program } from '../runtime/program.ts';
import { ProgramCache } from '../runtime/program-cache.ts';
import { matrixTensor } from '../runtime/tensors.ts';
import type { Evaluation } from '../strategies/batch.ts';
import { OUTPUTS } from '../strategies/batch-facts.ts';
import type { StudentBatch } from '../students/student.ts';
import { batchMultiple } from './batch-multiple.ts';
import { GradientSums, gradientName } from './gradient-sums.ts';
import { graphShape } from './optimizer-state.ts';
import { assertFinite, lossNeeded, ownName, type StepBatch, type StepResult, stepFacts } from './step.ts';
import { StudentStep } from './student-step.ts';

const layerName = (name: string): string => `layer ${name}`;
const cotangentName = (name: string): string => `cotangent ${name}`;

export class ThreePassStep<Sample, Encoded> extends StudentStep<Sample, Encoded> {
  readonly #programs = new ProgramCache<Program>((program) => program.release());

  override async run(batches: readonly StepBatch[], learningRate: number): Promise<StepResult> {
    const step = this.optimizer.steps;
    const share = 1 / batches.length;
    const sums = new GradientSums([...this.student.parameters, ...this.ofStrategy]);
    const evaluations: Evaluation[] = [];
    const buffersBefore = this.buffers.state();
    this.optimizer.writeBack(this.ofStrategy); // where the strategy's evaluation reads them
    for (const [k, batch] of batches.entries()) {
      const widths = this.#readWidths(batch);
      if (widths.size === 0) throw lossNeeded(this.strategy, batch);
      const { activations, sizes } = await this.#embed(batch, widths);
      // Every batch has a draw of negatives of its own.
      const evaluation = await this.#evaluate(batch, activations, step * batches.length + k);
      evaluations.push(evaluation);
      await this.#backward(batch.student, sizes, evaluation, share, sums);
    }
    const rows = batches.flatMap(({ student }) => student.flatMap((part) => Array.from(part.rows)));
    const touched = Int32Array.from(new Set(rows)).sort();
    const update = await this.#programs.get('update', () => this.#buildUpdate());
    const results = await update.run(
      { ...this.optimizer.feeds(touched, learningRate), ...sums.total(touched) },
      this.optimizer.into(touched),
    );
    const result = { ...meanLoss(evaluations), gradientNorm: Number(results.gradientNorm.data[0]) };
    try {
      assertFinite(result, step, batches);
    } catch (error) {
      this.buffers.restore(buffersBefore);
      throw error;
    }
    this.optimizer.commit(touched);
    for (const [k, batch] of batches.entries()) {
      const facts = stepFacts(batch, this.student, this.strategy, step * batches.length + k);
      this.strategy.advance(facts, evaluations[k].observed);
    }
    return result;
  }

  override release(): Promise<void> {
    return this.#programs.release();
  }

  /** What the loss can read of the student, with widths: its layers where there are teacher rows, its outputs where it has any. */
  #readWidths({ teacher }: StepBatch): Map<string, number> {
    const widths = new Map<string, number>();
    for (const name of teacher ? this.strategy.layerNames() : []) {
      widths.set(name, this.student.layers.get(name) as number);
    }
    if (this.student.classes !== undefined) widths.set(OUTPUTS, this.student.classes);
    return widths;
  }

  /** Pass 1. */
  async #embed({ student, sampleIds }: StepBatch, widths: ReadonlyMap<string, number>) {
    const activations = new Map([...widths].map(([name, width]) => [name, Matrix.zeros(sampleIds.length, width)]));
    const sizes: number[] = [];
    let row = 0;
    for (const part of student) {
      const program = await this.#programs.get('forward', () => this.#buildForward(part, [...widths.keys()]));
      const results = await program.run(this.#studentFeeds(part));
      for (const [name, { columns, data }] of activations) {
        data.set(results[layerName(name)].data as Float32Array, row * columns);
      }
      this.buffers.commit(results);
      const [first] = activations.keys();
      const [size] = results[layerName(first)].dims;
      sizes.push(size);
      row += size;
    }
    return { activations, sizes };
  }

  /** Pass 2. */
  async #evaluate(batch: StepBatch, activations: ReadonlyMap<string, Matrix>, step: number): Promise<Evaluation> {
    const { teacher, teacherOutputs, labels, classIndices, sampleIds, duplicateOf } = batch;
    const layers = new Map(
      [...activations]
        .filter(([name]) => name !== OUTPUTS)
        .map(([name, student]) => [name, { student, teacher: teacher as Matrix }]),
    );
    const student = activations.get(OUTPUTS);
    const outputs = student && { student, teacher: teacherOutputs };
    const concrete = { layers, outputs, labels: classIndices, outputLabels: labels, sampleIds, duplicateOf, step };
    const evaluation = await this.strategy.evaluate(concrete, true);
    if (!evaluation.applies) throw lossNeeded(this.strategy, batch);
    return evaluation;
  }

  /** Pass 3: adds `share` of a batch's gradients to the sums. */
  async #backward(
    parts: readonly StudentBatch[],
    sizes: readonly number[],
    { gradients: byLayer, parameterGradients }: Evaluation,
    share: number,
    sums: GradientSums,
  ): Promise<void> {
    for (const parameter of this.ofStrategy) {
      sums.addDense(parameter, parameterGradients.get(ownName(parameter)) as Float32Array, share);
    }
    let row = 0;
    for (const [p, part] of parts.entries()) {
      const multiple = batchMultiple(part);
      const program = await this.#programs.get(`backward, batches of ${multiple} n`, () =>
        this.#buildBackward(part, [...byLayer.keys()], multiple),
      );
      const feeds = { ...this.#studentFeeds(part), ...sums.feeds(this.student.parameters) };
      for (const [name, { columns, data }] of byLayer) {
        const own = data.subarray(row * columns, (row + sizes[p]) * columns);
        const rows = share === 1 ? own : own.map((value) => value * share);
        feeds[cotangentName(name)] = matrixTensor(new Matrix(sizes[p], columns, rows));
      }
      sums.add(await program.run(feeds, sums.into(this.student.parameters)), part.rows);
      row += sizes[p];
    }
  }

  #studentFeeds(part: StudentBatch): Record<string, TensorData> {
    const feeds = {
      ...this.optimizer.parameterFeeds(this.student.parameters, part.rows),
      ...this.buffers.feeds(),
    };
    for (const [name, { tensor }] of Object.entries(part.feeds)) feeds[`student ${name}`] = tensor;
    return feeds;
  }

  /** The student over one micro-batch, as symbols: what the loss reads, by name. */
  #symbolicStudent(part: StudentBatch, names: readonly string[]) {
    const { inputs, declare } = declaring();
    const parameters = this.optimizer.declareParameters(this.student.parameters, declare);
    const { layers, outputs, buffers } = this.student.forward({
      feeds: Object.fromEntries(
        Object.entries(part.feeds).map(([name, { shape, tensor }]) => [
          name,
          declare(`student ${name}`, tensor.dtype, shape),
        ]),
      ),
      parameters: Object.fromEntries([...parameters].map(([{ name }, tensor]) => [name, tensor])),
      buffers: this.buffers.declare(declare),
    });
    const read = names.map((name): [string, SymbolicTensor] => [
      name,
      (name === OUTPUTS ? outputs : layers.get(name)) as SymbolicTensor,
    ]);
    return { inputs, declare, parameters, read, buffers };
  }

  #buildForward(part: StudentBatch, names: readonly string[]): Promise<Program> {
    const { inputs, read, buffers } = this.#symbolicStudent(part, names);
    const outputs = Object.fromEntries(read.map(([name, rows]) => [layerName(name), rows]));
    return compile({ inputs, outputs: { ...outputs, ...this.buffers.updates(buffers) } }, this.session);
  }

  #buildBackward(part: StudentBatch, names: readonly string[], multiple: number): Promise<Program> {
    const { inputs, declare, parameters, read } = this.#symbolicStudent(part, names);
    const pulled = read
      .map(([name, rows]) => sum(mul(rows, declare(cotangentName(name), 'float32', rows.shape))))
      .reduce(add);
    const found = gradients(pulled, [...parameters.values()]);
    const outputs = GradientSums.outputs(this.student.parameters, found, declare);
    return compile({ inputs, outputs }, this.session, { batch: multiple });
  }

  #buildUpdate(): Promise<Program> {
    const { inputs, declare } = declaring();
    const states = this.optimizer.declare(declare);
    const found = [...states.keys()].map((parameter) =>
      declare(gradientName(parameter), 'float32', graphShape(parameter)),
    );
    return compile({ inputs, outputs: this.optimizer.updates(states, found, declare) }, this.session);
  }
}

function meanLoss(evaluations: readonly Evaluation[]): Pick<StepResult, 'loss' | 'components'> {
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
  const [{ components }] = evaluations;
  return {
    loss: mean(evaluations.map(({ loss }) => loss)),
    components: Object.fromEntries(
      Object.keys(components).map((name) => [name, mean(evaluations.map((each) => each.components[name] ?? 0))]),
    ),
  };
}
