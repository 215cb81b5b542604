/** Contrastive representation distillation: the strategy that this project exists for. Definitions: mathematics.md, section 2. */
import * as z from 'zod';
import { LimbeckError } from '../errors.ts';
import { add, type Dimension, mul, type SymbolicTensor, sub } from '../graph/index.ts';
import { contrastiveLoss } from '../losses/contrastive.ts';
import { l2Normalize } from '../losses/cosine.ts';
import { responseLoss } from '../losses/response.ts';
import { tripletLoss } from '../losses/triplet.ts';
import { IntermediateActivations } from '../matrix/intermediate-activations.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { type Selection, selectKeys } from '../negatives/selection.ts';
import { TeacherBank } from '../negatives/teacher-bank.ts';
import { scalarTensor } from '../runtime/tensors.ts';
import { warnOnConsole } from '../warnings.ts';
import type { BatchFacts, LossAndGradient, LossComponents, Pair, Prepared, SymbolicBatch } from './batch.ts';
import { DistillationStrategy } from './distillation-strategy.ts';
import { type Labels, type MatrixLike, toMatrix } from './inputs.ts';
import { defineOptionAccessors, embeddingLayerName, parseOptions } from './options.ts';
import { type SoftmaxDirection, type SoftmaxMode, softmaxData, softmaxTerms } from './softmax-direction.ts';
import { type TripletForm, tripletData, tripletTerms } from './triplet-form.ts';

/** The form of the contrast. */
export const ContrastiveMode = {
  /** Student anchors, teacher keys. */
  NTXent: 'ntxent',
  /** Teacher anchors, student keys. */
  InfoNCE: 'infonce',
  /** Student anchors, teacher positives and negatives, a margin between distances. */
  Triplet: 'triplet',
} as const;
export type ContrastiveMode = (typeof ContrastiveMode)[keyof typeof ContrastiveMode];

const share = () => z.number().min(0).max(1);
const positive = () => z.number().positive().finite();

/** Every option with its default and bounds; a description completes "expected …". */
export const contrastiveOptionsSchema = z.object({
  embeddingLayerName: embeddingLayerName(),
  contrastiveWeight: share().default(0.8).describe('a number in [0, 1]: the weight of the contrastive loss'),
  temperature: positive().default(0.07).describe('a finite number > 0: divides the cosines'),
  alpha: share().default(0.2).describe('a number in [0, 1]: the share of hard labels in the output loss'),
  negativesSampleSize: z.int().min(1).default(1024).describe('a whole number ≥ 1: negatives for each anchor'),
  mode: z.enum(ContrastiveMode).default('ntxent').describe("'ntxent', 'infonce' or 'triplet'"),
  outputTemperature: positive().default(4).describe('a finite number > 0: softens logits in the output loss'),
  positives: z
    .enum(['class', 'instance'])
    .default('class')
    .describe("'class' or 'instance': what same-class samples are when labels are given"),
  targets: z
    .enum(['sample', 'teacher'])
    .default('sample')
    .describe("'sample' or 'teacher': targets on the own key (or class), or spread as the teacher's similarities"),
  symmetric: z.boolean().default(false).describe('true or false: average both anchor directions'),
  margin: z.number().min(0).finite().default(0.1).describe('a finite number ≥ 0: the margin of triplets'),
  mining: z
    .enum(['hard', 'semihard', 'all'])
    .default('hard')
    .describe("'hard', 'semihard' or 'all': which triplets count"),
  normalize: z.boolean().default(true).describe('true or false: triplet distances between rows of norm 1, or raw rows'),
  seed: z.int().min(0).default(0).describe('a whole number ≥ 0: seeds the draw of negatives'),
});

export type ContrastiveOptions = z.output<typeof contrastiveOptionsSchema>;

/** Says which samples of a bank a batch holds. */
export interface ContrastiveContext {
  /** Sample of every row; a sample that is also in the bank counts once and is never its own negative. */
  readonly sampleIds?: Int32Array;
}

// The accessors come from the schema, so that an option is declared once; defineOptionAccessors defines each of them.
export interface ContrastiveDistillationStrategy extends ContrastiveOptions {}

/**
 * A student embedding is drawn to the teacher's embedding of the same sample and away from the teacher's embeddings of others;
 * beside it stands classic distillation of outputs:
 * `contrastiveWeight · contrastive + (1 − contrastiveWeight) · [alpha · hard + (1 − alpha) · soft]`.
 *
 * Every option can be read and assigned; assignments are checked like the constructor's argument.
 *
 * @throws LimbeckError INVALID_OPTION
 *
 * @example
 * const strategy = new ContrastiveDistillationStrategy({ temperature: 0.05 });
 * strategy.bank = new TeacherBank(allTeacherRows);
 * const { loss, gradient } = await strategy.computeContrastiveLossAndGradient(studentRows, teacherRows);
 *
 * Source: Tian, Krishnan & Isola, "Contrastive Representation Distillation", ICLR 2020; NT-Xent: Chen et al., ICML 2020;
 * InfoNCE: van den Oord et al., 2018; several positives: Khosla et al., NeurIPS 2020 (L_out).
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: see the interface
export class ContrastiveDistillationStrategy extends DistillationStrategy<Structure> {
  readonly #options: ContrastiveOptions;
  #bank: TeacherBank | undefined;
  #warnedOfNoTriplet = false;

  static {
    defineOptionAccessors(
      ContrastiveDistillationStrategy.prototype,
      contrastiveOptionsSchema,
      'ContrastiveDistillationStrategy',
      (strategy) => strategy.#options,
    );
  }

  constructor(options: z.input<typeof contrastiveOptionsSchema> = {}) {
    super();
    this.#options = parseOptions(contrastiveOptionsSchema, options, 'ContrastiveDistillationStrategy');
  }

  /** Negatives from beyond the batch, for student anchors; undefined for none. */
  get bank(): TeacherBank | undefined {
    return this.#bank;
  }

  set bank(bank: TeacherBank | undefined) {
    if (bank !== undefined && !(bank instanceof TeacherBank)) {
      throw new LimbeckError(
        'INVALID_OPTION',
        'bank: expected a TeacherBank or undefined. Wrap rows: new TeacherBank(rows).',
      );
    }
    this.#bank = bank;
  }

  /**
   * The contrastive loss of a batch, times `contrastiveWeight`.
   *
   * @param studentEmbeddings [B, D]
   * @param teacherEmbeddings [B, D], row i of the same sample as the student's row i
   * @param labels class of every row; what they change says the option `positives`
   * @throws LimbeckError SHAPE_MISMATCH, EMPTY_BATCH, NON_FINITE, NO_NEGATIVES
   */
  async computeContrastiveLoss(
    studentEmbeddings: MatrixLike,
    teacherEmbeddings: MatrixLike,
    labels?: Labels,
    context?: ContrastiveContext,
  ): Promise<number> {
    return (await this.#contrast(studentEmbeddings, teacherEmbeddings, labels, context, false)).loss;
  }

  /** ∂loss/∂studentEmbeddings [B, D] of {@link computeContrastiveLoss}. */
  async computeContrastiveGradient(
    studentEmbeddings: MatrixLike,
    teacherEmbeddings: MatrixLike,
    labels?: Labels,
    context?: ContrastiveContext,
  ): Promise<Matrix> {
    return (await this.computeContrastiveLossAndGradient(studentEmbeddings, teacherEmbeddings, labels, context))
      .gradient;
  }

  /** {@link computeContrastiveLoss} and {@link computeContrastiveGradient} in one pass, over the same drawn negatives. */
  async computeContrastiveLossAndGradient(
    studentEmbeddings: MatrixLike,
    teacherEmbeddings: MatrixLike,
    labels?: Labels,
    context?: ContrastiveContext,
  ): Promise<LossAndGradient<Matrix>> {
    const { loss, gradient } = await this.#contrast(studentEmbeddings, teacherEmbeddings, labels, context, true);
    return { loss, gradient: gradient.get(this.embeddingLayerName) as Matrix };
  }

  override layerNames(): readonly string[] {
    return [this.embeddingLayerName];
  }

  override symbolicLoss({ outputs, layers, labels, data, structure }: SymbolicBatch<Structure>): LossComponents {
    const components: Record<string, SymbolicTensor> = {};
    const embeddings = layers.get(structure.layer);
    if (embeddings) {
      components.contrastive = mul(data.contrastiveWeight, contrast(embeddings, data, structure));
    }
    if (outputs) {
      const { outputTemperature: temperature, alpha, contrastiveWeight } = data;
      const loss = responseLoss({ ...outputs, labels, temperature, alpha });
      components.output = mul(sub(1, contrastiveWeight), loss);
    }
    return components;
  }

  override prepare(facts: BatchFacts): Prepared<Structure> {
    const scalar = (value: number) => ({ shape: [], tensor: scalarTensor(value, facts.dtype) });
    const data: Record<string, PreparedTensor> = { contrastiveWeight: scalar(this.contrastiveWeight) };
    if (facts.hasOutputs) {
      data.outputTemperature = scalar(this.outputTemperature);
      data.alpha = scalar(this.alpha);
    }
    const layer = this.embeddingLayerName;
    const size = facts.layers.get(layer);
    if (!size) return { data, structure: { layer, directions: [] } };
    if (this.mode === 'triplet') {
      const triplet = this.#prepareTriplet(facts, size, data);
      return { data, structure: { layer, directions: [], triplet } };
    }
    if (!this.normalize) throw this.#unfit('normalize: false', "mode 'triplet': the other modes contrast cosines");
    if (this.targets === 'teacher' && facts.classIndices && this.positives === 'class') {
      throw this.#unfit(
        "targets: 'teacher'",
        "positives: 'instance' with labels: class positives are targets of their own",
      );
    }
    data.temperature = scalar(this.temperature);
    const modes: readonly SoftmaxMode[] = this.symmetric ? ['ntxent', 'infonce'] : [this.mode];
    const directions = modes.map((mode) => {
      const selection = this.#selectKeys(mode, facts, size.width);
      Object.assign(data, softmaxData(mode, selection, facts, size.dimension, this.#bank));
      const { ownApart, batch, bank } = selection;
      return { mode, ownApart, batch: batch !== undefined, bank: bank !== undefined, soft: this.targets === 'teacher' };
    });
    return { data, structure: { layer, directions } };
  }

  #prepareTriplet(
    facts: BatchFacts,
    { width, dimension }: { readonly width: number; readonly dimension: Dimension },
    data: Record<string, PreparedTensor>,
  ): TripletForm {
    if (this.symmetric) throw this.#unfit('symmetric: true', "mode 'ntxent' or 'infonce'; triplets have no directions");
    if (this.targets === 'teacher') throw this.#unfit("targets: 'teacher'", "mode 'ntxent' or 'infonce'");
    if (this.#bank && !this.normalize) throw this.#unfit('bank', 'normalize: true, since bank rows have norm 1');
    const selection = this.#selectKeys('triplet', facts, width);
    const keys = tripletData(selection, facts, { bank: this.#bank, width: dimension, margin: this.margin });
    Object.assign(data, keys.data);
    if (!keys.usable && !this.#warnedOfNoTriplet) {
      this.#warnedOfNoTriplet = true;
      warnOnConsole(
        'ContrastiveDistillationStrategy: no anchor of the batch has a negative (one class only?); the triplet loss is 0.',
      );
    }
    return { mining: this.mining, normalize: this.normalize, bank: keys.bank };
  }

  #unfit(option: string, needed: string): LimbeckError {
    return new LimbeckError(
      'INVALID_OPTION',
      `${option}: expected ${needed}; got mode '${this.mode}'. Change one of them.`,
    );
  }

  #selectKeys(mode: ContrastiveMode, facts: BatchFacts, width: number): Selection {
    const bank = mode === 'infonce' ? undefined : this.#bank;
    if (this.#bank && this.mode === 'infonce' && !this.symmetric) {
      throw new LimbeckError(
        'INVALID_OPTION',
        "bank: expected mode 'ntxent' or symmetric: true with a teacher bank, got mode 'infonce', whose keys are student " +
          'rows. Change the mode, or set bank to undefined.',
      );
    }
    if (bank && bank.dimension !== width) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `bank: expected rows of the embeddings' width ${width}, got ${bank.dimension}.`,
      );
    }
    if (bank && facts.classIndices && !bank.labels) {
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        'bank: expected a label for every bank row when the batch has labels. Pass new TeacherBank(rows, { labels }).',
      );
    }
    const selection = selectKeys({
      anchors: facts.rows,
      labels: facts.classIndices,
      positives: this.positives,
      sampleSize: this.negativesSampleSize,
      sampleIds: facts.sampleIds,
      bank: bank && {
        size: bank.size,
        labels: bank.labels,
        rowOfAnchor: Int32Array.from({ length: facts.rows }, (_, i) => bank.rowOf(facts.sampleIds?.[i] ?? -1)),
      },
      seed: this.seed,
      step: facts.step,
    });
    if (selection.candidates === 0) {
      throw new LimbeckError(
        'NO_NEGATIVES',
        `${mode}: expected at least two samples to contrast, got one${bank ? ', which is all that the bank holds' : ''}. ` +
          (mode !== 'infonce'
            ? 'Use a larger batch, or set a bank that holds other samples.'
            : 'Use a larger batch: with teacher anchors negatives come from the batch alone.'),
      );
    }
    return selection;
  }

  async #contrast(
    studentEmbeddings: MatrixLike,
    teacherEmbeddings: MatrixLike,
    labels: Labels | undefined,
    context: ContrastiveContext = {},
    withGradient: boolean,
  ): Promise<LossAndGradient<IntermediateActivations>> {
    const activations = (embeddings: MatrixLike, name: string): IntermediateActivations =>
      new IntermediateActivations().set(this.embeddingLayerName, toMatrix(embeddings, name));
    return this.evaluateLayers(
      activations(studentEmbeddings, 'student embeddings'),
      activations(teacherEmbeddings, 'teacher embeddings'),
      { labels, sampleIds: context.sampleIds },
      withGradient,
    );
  }
}

interface Structure {
  readonly layer: string;
  /** The anchor directions of NT-Xent and InfoNCE; none in triplet mode. */
  readonly directions: readonly SoftmaxDirection[];
  readonly triplet?: TripletForm;
}

type PreparedTensor = Prepared['data'][string];

/** The contrastive loss in the form that the structure says. */
function contrast(
  embeddings: Pair<SymbolicTensor>,
  data: Readonly<Record<string, SymbolicTensor>>,
  { directions, triplet }: Structure,
): SymbolicTensor {
  if (triplet) return tripletLoss(tripletTerms(embeddings, data, triplet));
  const student = l2Normalize(embeddings.student);
  const teacher = l2Normalize(embeddings.teacher);
  const losses = directions.map((direction) => contrastiveLoss(softmaxTerms(student, teacher, data, direction)));
  return mul(losses.reduce(add), 1 / losses.length);
}
