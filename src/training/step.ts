/** What the two kinds of training step share: the batch that they take, and what they say of it. */
import { LimbeckError } from '../errors.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { StateArrays } from '../matrix/state-arrays.ts';
import type { BatchFacts, LayerFacts } from '../strategies/batch.ts';
import type { DistillationStrategy } from '../strategies/distillation-strategy.ts';
import type { StudentBatch, TrainableStudent } from '../students/student.ts';

export interface StepBatch {
  /** The batch as the student wants it; several, in order, for a step that takes it in micro-batches. */
  readonly student: readonly StudentBatch[];
  /** Teacher rows [B, D] of the batch; undefined when the strategy reads no layer. */
  readonly teacher?: Matrix | undefined;
  /** Logits [B, C] of the teacher, where they are known. */
  readonly teacherOutputs?: Matrix | undefined;
  /** Label probabilities [B, C], for losses of outputs. */
  readonly labels?: Matrix | undefined;
  /** Sample of every row; of samples that are the same, the first. */
  readonly sampleIds: Int32Array;
  /** For every sample of the data set the first that is the same; undefined when all differ. */
  readonly duplicateOf?: Int32Array | undefined;
  readonly classIndices?: Int32Array | undefined;
}

export interface StepResult {
  readonly loss: number;
  readonly components: Readonly<Record<string, number>>;
  /** Euclidean norm of the gradient over all parameters (of sparse ones, the touched rows). */
  readonly gradientNorm: number;
}

export interface Step {
  /**
   * Takes one optimizer step, on a batch or on the mean loss of several, each contrasted within itself (and with the bank).
   *
   * @throws LimbeckError DIVERGED when a loss component or the gradient is not finite; the parameters are then as before
   */
  run(batches: readonly StepBatch[], learningRate: number): Promise<StepResult>;
  /** Copies the trained values into the parameters of student and strategy. */
  writeBack(): void;
  release(): Promise<void>;
  /** What a checkpoint has to hold: parameters, moments, and what the strategy keeps. */
  state(): StateArrays;
  /** @throws LimbeckError SHAPE_MISMATCH for the state of another set-up; everything is then as before */
  restore(state: StateArrays): void;
}

/** Restores all parts of a state, or none. */
export function restoreAll(parts: readonly Pick<Step, 'state' | 'restore'>[], state: StateArrays): void {
  const before = parts.map((part) => part.state());
  try {
    for (const part of parts) part.restore(state);
  } catch (error) {
    for (const [i, part] of parts.entries()) part.restore(before[i]);
    throw error;
  }
}

/** The layers that the strategy reads, with the widths of both networks. */
export function layerWidths(
  student: Pick<TrainableStudent, 'layers'>,
  strategy: DistillationStrategy,
  teacherWidth: number,
) {
  return new Map(
    strategy.layerNames().map((name) => [name, { width: student.layers.get(name) as number, teacherWidth }]),
  );
}

/** The strategy's parameters under names that no parameter of a student has, over the same arrays. */
export function strategyParameters(
  student: Pick<TrainableStudent, 'layers'>,
  strategy: DistillationStrategy,
  teacherWidth: number | undefined,
): readonly Parameter[] {
  if (teacherWidth === undefined) return [];
  const own = strategy.parametersFor(layerWidths(student, strategy, teacherWidth));
  return own.map((parameter) => ({ ...parameter, name: `${OF_STRATEGY}${parameter.name}` }));
}

const OF_STRATEGY = 'strategy: ';

/** The name by which the strategy knows a parameter of {@link strategyParameters}. */
export const ownName = ({ name }: Parameter): string => name.slice(OF_STRATEGY.length);

/** A batch as the strategy is told of it before the loss. */
export function stepFacts(
  { teacher, teacherOutputs, sampleIds, duplicateOf, classIndices }: StepBatch,
  student: Pick<TrainableStudent, 'layers'>,
  strategy: DistillationStrategy,
  step: number,
): BatchFacts {
  const widths = teacher ? layerWidths(student, strategy, teacher.columns) : new Map<string, never>();
  const layers = [...widths].map(([name, { width, teacherWidth }]): [string, LayerFacts] => [
    name,
    { width, teacherWidth, dimension: width, teacherDimension: teacherWidth, teacherRows: teacher as Matrix },
  ]);
  return {
    rows: sampleIds.length,
    dtype: 'float32',
    hasOutputs: teacherOutputs !== undefined,
    layers: new Map(layers),
    classIndices,
    sampleIds,
    duplicateOf,
    step,
  };
}

/** Sample numbers that a message shows of a batch. */
const SHOWN_SAMPLES = 8;

/** @throws LimbeckError DIVERGED with `{ step, component, sampleIds }` as details */
export function assertFinite(
  { components, gradientNorm }: StepResult,
  step: number,
  batches: readonly Pick<StepBatch, 'sampleIds'>[],
): void {
  for (const [component, value] of Object.entries({ ...components, 'gradient norm': gradientNorm })) {
    if (Number.isFinite(value)) continue;
    const sampleIds = batches.flatMap((batch) => Array.from(batch.sampleIds));
    const more = sampleIds.length > SHOWN_SAMPLES ? `, … (${sampleIds.length} in all)` : '';
    throw new LimbeckError(
      'DIVERGED',
      `Training step ${step}: expected a finite ${component}, got ${value}, on samples ` +
        `${sampleIds.slice(0, SHOWN_SAMPLES).join(', ')}${more}. ` +
        'Lower the learning rate or raise the temperature; the parameters are those before this step.',
      { details: { step, component, sampleIds } },
    );
  }
}

/** A training step needs a loss for what it has. */
export function lossNeeded(
  strategy: DistillationStrategy,
  { teacher, teacherOutputs, labels }: StepBatch,
): LimbeckError {
  const given = [teacher && 'embeddings of a teacher', teacherOutputs && 'outputs of a teacher', labels && 'labels'];
  return new LimbeckError(
    'UNSUPPORTED',
    `${strategy.constructor.name}: expected a loss for what there is, ${given.filter(Boolean).join(', ') || 'nothing'}, got none. ` +
      'Choose another strategy, or give what it reads: embeddings, outputs, or labels for a student that classifies.',
  );
}
