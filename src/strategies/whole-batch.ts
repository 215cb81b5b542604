/** A strategy's loss of a whole batch at once: one program for each form of the graph, whatever the sizes. */
import { declaring } from '../graph/declare.ts';
import { add, type Dimension, gradients, type SymbolicTensor } from '../graph/index.ts';
import { type FloatArray, Matrix } from '../matrix/matrix.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { TensorData } from '../runtime/backend.ts';
import { compile, type Program } from '../runtime/program.ts';
import { ProgramCache } from '../runtime/program-cache.ts';
import { matrixTensor } from '../runtime/tensors.ts';
import type { BatchFacts, ConcreteBatch, Evaluation, Prepared, SymbolicBatch } from './batch.ts';
import { allPairs, OUTPUTS } from './batch-facts.ts';
import type { DistillationStrategy } from './distillation-strategy.ts';
import { toDistribution } from './inputs.ts';
import { parameterFeeds, parameterInputs } from './parameter-inputs.ts';

interface CompiledLoss {
  readonly program: Program;
  readonly components: readonly string[];
  readonly observations: readonly string[];
}

/** An evaluation of nothing. */
export const NOTHING: Evaluation = {
  loss: 0,
  components: {},
  gradients: new Map(),
  parameterGradients: new Map(),
  observed: {},
  applies: false,
};

export class WholeBatch<Structure> {
  readonly #programs = new ProgramCache<CompiledLoss | undefined>(async (compiled) => compiled?.program.release());

  release(): Promise<void> {
    return this.#programs.release();
  }

  async evaluate(
    strategy: DistillationStrategy<Structure>,
    batch: ConcreteBatch,
    facts: BatchFacts,
    withGradient: boolean,
  ): Promise<Evaluation> {
    const pairs = allPairs(batch);
    const prepared = strategy.prepare(facts);
    const given = batch.outputLabels ?? batch.labels;
    const labels =
      batch.outputs && given
        ? toDistribution(given, facts.rows, batch.outputs.student.columns, facts.dtype)
        : undefined;
    const parameters = strategy.parametersFor(facts.layers);
    const feeds: Record<string, TensorData> = labels ? { labels: matrixTensor(labels) } : {};
    for (const [name, { student, teacher }] of pairs) {
      feeds[`student ${name}`] = matrixTensor(student);
      if (teacher) feeds[`teacher ${name}`] = matrixTensor(teacher);
    }
    for (const name in prepared.data) feeds[name] = prepared.data[name].tensor;
    Object.assign(feeds, parameterFeeds(parameters, facts.dtype));
    const key = JSON.stringify([
      prepared.structure,
      withGradient,
      facts.dtype,
      Object.keys(feeds).sort(),
      parameters.map(({ shape }) => shape),
    ]);
    const compiled = await this.#programs.get(key, () =>
      this.#compile(strategy, [...pairs.keys()], prepared, parameters, facts, {
        labelled: labels !== undefined,
        withGradient,
      }),
    );
    if (!compiled) return NOTHING;
    const { program, components, observations } = compiled;
    const into: Record<string, TensorData> = {};
    for (const name of withGradient ? pairs.keys() : []) {
      const place = batch.into?.get(name);
      if (place) into[`gradient ${name}`] = matrixTensor(place);
    }
    const results = await program.run(feeds, into);
    const numbers = Object.fromEntries(components.map((name) => [name, Number(results[`component ${name}`].data[0])]));
    const gradients = new Map<string, Matrix>();
    for (const name of withGradient ? pairs.keys() : []) {
      const { dims, data } = results[`gradient ${name}`];
      gradients.set(name, new Matrix(dims[0], dims[1], data as FloatArray));
    }
    return {
      loss: Object.values(numbers).reduce((a, b) => a + b),
      components: numbers,
      gradients,
      parameterGradients: new Map(
        (withGradient ? parameters : []).map(({ name }) => [
          name,
          results[`parameter gradient ${name}`].data as FloatArray,
        ]),
      ),
      observed: Object.fromEntries(observations.map((name) => [name, results[`observed ${name}`]])),
      applies: true,
    };
  }

  /** Undefined when the loss has no component for such a batch. Every size is a run-time size: one program serves all. */
  async #compile(
    strategy: DistillationStrategy<Structure>,
    names: readonly string[],
    { data, structure }: Prepared<Structure>,
    parameters: readonly Parameter[],
    { layers, dtype, hasOutputs }: BatchFacts,
    { labelled, withGradient }: { readonly labelled: boolean; readonly withGradient: boolean },
  ): Promise<CompiledLoss | undefined> {
    const { inputs, declare } = declaring();
    const rows = (who: 'student' | 'teacher', name: string, width: Dimension): SymbolicTensor =>
      declare(`${who} ${name}`, dtype, ['batch', width]);
    const pairs = new Map(
      [...layers].map(([name, { dimension, teacherDimension }]) => [
        name,
        { student: rows('student', name, dimension), teacher: rows('teacher', name, teacherDimension) },
      ]),
    );
    const outputs = names.includes(OUTPUTS)
      ? {
          student: rows('student', OUTPUTS, 'classes'),
          teacher: hasOutputs ? rows('teacher', OUTPUTS, 'classes') : undefined,
        }
      : undefined;
    const own = parameterInputs(parameters, dtype);
    inputs.push(...own);
    const batch: SymbolicBatch<Structure> = {
      outputs,
      layers: pairs,
      labels: labelled ? declare('labels', dtype, ['batch', 'classes']) : undefined,
      parameters: Object.fromEntries(parameters.map(({ name }, i) => [name, own[i]])),
      data: Object.fromEntries(
        Object.entries(data).map(([name, { shape, tensor }]) => [name, declare(name, tensor.dtype, shape)]),
      ),
      structure,
    };
    const components = strategy.symbolicLoss(batch);
    if (Object.keys(components).length === 0) return undefined;
    const loss = Object.values(components).reduce(add);
    const differentiated = withGradient ? names : [];
    const found = gradients(loss, [
      ...differentiated.map((name) => (name === OUTPUTS ? outputs : pairs.get(name))?.student as SymbolicTensor),
      ...(withGradient ? own : []),
    ]);
    const observations = strategy.symbolicObservations(batch);
    const results: Record<string, SymbolicTensor> = {};
    for (const [name, tensor] of Object.entries(components)) results[`component ${name}`] = tensor;
    for (const [name, tensor] of Object.entries(observations)) results[`observed ${name}`] = tensor;
    for (const [i, name] of differentiated.entries()) results[`gradient ${name}`] = found[i];
    for (const [i, { name }] of withGradient ? parameters.entries() : []) {
      results[`parameter gradient ${name}`] = found[differentiated.length + i];
    }
    return {
      program: await compile({ inputs, outputs: results }),
      components: Object.keys(components),
      observations: Object.keys(observations),
    };
  }
}
