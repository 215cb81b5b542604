/**
 * The compiled training step: forward, backward and AdamW in one graph. Sizes that vary from batch to batch are run-time sizes, so
 * one session serves every batch.
 */
import { declaring } from '../graph/declare.ts';
import { add, gradients, type SymbolicTensor } from '../graph/index.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { TensorData } from '../runtime/backend.ts';
import { compile, type Program } from '../runtime/program.ts';
import { ProgramCache } from '../runtime/program-cache.ts';
import { matrixTensor } from '../runtime/tensors.ts';
import type { Pair, Prepared } from '../strategies/batch.ts';
import { batchMultiple } from './batch-multiple.ts';
import { assertFinite, lossNeeded, ownName, type StepBatch, type StepResult, stepFacts } from './step.ts';
import { StudentStep } from './student-step.ts';

interface CompiledStep {
  readonly program: Program;
  readonly components: readonly string[];
  readonly observations: readonly string[];
}

export class TrainingStep<Sample, Encoded> extends StudentStep<Sample, Encoded> {
  readonly #compiled = new ProgramCache<CompiledStep>(({ program }) => program.release());

  /** One batch, which the student embeds at once; for several, and for micro-batches, there is `ThreePassStep`. */
  override async run(batches: readonly StepBatch[], learningRate: number): Promise<StepResult> {
    if (batches.length !== 1) throw new Error(`TrainingStep takes one batch, got ${batches.length}.`);
    const [batch] = batches;
    const [student] = batch.student;
    const step = this.optimizer.steps;
    const facts = stepFacts(batch, this.student, this.strategy, step);
    const prepared = this.strategy.prepare(facts);
    const given = { 'teacher rows': batch.teacher, 'teacher outputs': batch.teacherOutputs, labels: batch.labels };
    const feeds: Record<string, TensorData> = {
      ...this.optimizer.feeds(student.rows, learningRate),
      ...this.buffers.feeds(),
    };
    for (const [name, matrix] of Object.entries(given)) if (matrix) feeds[name] = matrixTensor(matrix);
    for (const [name, { tensor }] of Object.entries(student.feeds)) feeds[`student ${name}`] = tensor;
    for (const [name, { tensor }] of Object.entries(prepared.data)) feeds[`strategy ${name}`] = tensor;
    // Programs differ by the strategy's structure, by what is given, and by how full blocks are: whatever else varies is a run-time size.
    const multiple = batchMultiple(student);
    const key = JSON.stringify([prepared.structure, Object.keys(feeds).sort(), multiple]);
    const { program, components, observations } = await this.#compiled.get(key, () =>
      this.#build(batch, prepared, multiple),
    );
    const results = await program.run(feeds, this.optimizer.into(student.rows));
    const scalar = (name: string): number => Number(results[name].data[0]);
    const result: StepResult = {
      loss: components.reduce((total, name) => total + scalar(`component ${name}`), 0),
      components: Object.fromEntries(components.map((name) => [name, scalar(`component ${name}`)])),
      gradientNorm: scalar('gradientNorm'),
    };
    assertFinite(result, step, batches);
    this.optimizer.commit(student.rows);
    this.buffers.commit(results);
    const observed = Object.fromEntries(observations.map((name) => [name, results[`observed ${name}`]]));
    this.strategy.observe(observed);
    this.strategy.advance(facts, observed);
    return result;
  }

  override release(): Promise<void> {
    return this.#compiled.release();
  }

  async #build(given: StepBatch, prepared: Prepared, multiple: number): Promise<CompiledStep> {
    const [batch] = given.student;
    const { inputs, declare } = declaring();
    const declareAll = (prefix: string, data: Prepared['data']): Record<string, SymbolicTensor> =>
      Object.fromEntries(
        Object.entries(data).map(([name, { shape, tensor }]) => [
          name,
          declare(`${prefix} ${name}`, tensor.dtype, shape),
        ]),
      );

    const states = this.optimizer.declare(declare);
    const values = (parameters: readonly Parameter[], nameOf: (parameter: Parameter) => string) =>
      Object.fromEntries(parameters.map((p) => [nameOf(p), states.get(p)?.parameter as SymbolicTensor]));
    const student = this.student.forward({
      feeds: declareAll('student', batch.feeds),
      parameters: values(this.student.parameters, ({ name }) => name),
      buffers: this.buffers.declare(declare),
    });
    const rows = (name: string, matrix: Matrix | undefined): SymbolicTensor | undefined =>
      matrix && declare(name, 'float32', ['batch', matrix.columns]);
    const teacher = rows('teacher rows', given.teacher);
    const layers = new Map<string, Pair<SymbolicTensor>>();
    for (const name of teacher ? this.strategy.layerNames() : []) {
      layers.set(name, { student: student.layers.get(name) as SymbolicTensor, teacher: teacher as SymbolicTensor });
    }
    const symbolic = {
      layers,
      outputs: student.outputs && {
        student: student.outputs,
        teacher: rows('teacher outputs', given.teacherOutputs),
      },
      labels: rows('labels', given.labels),
      parameters: values(this.ofStrategy, ownName),
      data: declareAll('strategy', prepared.data),
      structure: prepared.structure,
    };
    const components = this.strategy.symbolicLoss(symbolic);
    if (Object.keys(components).length === 0) throw lossNeeded(this.strategy, given);
    const observations = this.strategy.symbolicObservations(symbolic);
    const found = gradients(
      Object.values(components).reduce(add),
      [...states.values()].map(({ parameter }) => parameter),
    );
    const outputs = {
      ...this.optimizer.updates(states, found, declare),
      ...this.buffers.updates(student.buffers),
    };
    for (const [name, component] of Object.entries(components)) outputs[`component ${name}`] = component;
    for (const [name, tensor] of Object.entries(observations)) outputs[`observed ${name}`] = tensor;
    return {
      program: await compile({ inputs, outputs }, this.session, { batch: multiple }),
      components: Object.keys(components),
      observations: Object.keys(observations),
    };
  }
}
