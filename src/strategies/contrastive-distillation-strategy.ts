/** Contrastive representation distillation: the strategy that this project exists for. Definitions: mathematics.md, section 2. */
import type * as z from 'zod';
import { LimbeckError } from '../errors.ts';
import { mul, type SymbolicTensor, sub } from '../graph/index.ts';
import { responseLoss } from '../losses/response.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { StateArrays } from '../matrix/state-arrays.ts';
import { unitRows, ZERO_NORM } from '../matrix/unit-rows.ts';
import { KeyBank } from '../negatives/key-bank.ts';
import type { AnchorRange } from '../negatives/selection.ts';
import { scalarTensor } from '../runtime/tensors.ts';
import { warnOnConsole } from '../warnings.ts';
import type {
  BatchFacts,
  ConcreteBatch,
  Evaluation,
  LayerFacts,
  LayerWidths,
  LossAndGradient,
  LossComponents,
  Pair,
  Prepared,
  SymbolicBatch,
} from './batch.ts';
import { type ContrastStructure, comparedRows, contrast, meanScores } from './contrast.ts';
import { type ContrastiveOptions, contrastiveOptionsSchema } from './contrastive-options.ts';
import { DistillationStrategy } from './distillation-strategy.ts';
import { assertPairFinite, checkPlace, type Labels, type MatrixLike, toUncheckedPair } from './inputs.ts';
import { MeanScores } from './mean-scores.ts';
import { defineOptionAccessors, parseOptions } from './options.ts';
import { type ContrastRequest, logitsPerAnchor, type PreparedContrast, prepareContrast } from './prepare-contrast.ts';
import { comparedWidth, PROJECTION_ADVICE, ProjectionHeads, type ProjectionRequest } from './projection-heads.ts';
import { TiledContrast, type TileRequest } from './tiled-contrast.ts';

/** Says which samples of a bank a batch holds, and which draw of negatives to take. */
export interface ContrastiveContext {
  /** Sample of every row; a sample that is also in the bank counts once and is never its own negative. */
  readonly sampleIds?: Int32Array;
  /** Counts the steps of your own loop: each step has its own draw of negatives. Default 0. */
  readonly step?: number;
  /**
   * A matrix like the student's rows, but not these, that the gradient is written to and that is returned: with the gradient of the
   * step before, a loop over large batches makes no arrays of their size. After an error its numbers are arbitrary. By default a fresh one.
   */
  readonly into?: Matrix;
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
export class ContrastiveDistillationStrategy extends DistillationStrategy<ContrastStructure> {
  readonly #options: ContrastiveOptions;
  readonly #heads = new ProjectionHeads();
  readonly #meanScores = new MeanScores();
  readonly #tiles = new TiledContrast();
  #bank: KeyBank | undefined;
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

  /**
   * Keys from beyond the batch: a TeacherBank (exact), MomentumBanks (the paper's, for heads that learn), or a KeyQueue (streams);
   * undefined for the batch alone.
   */
  get bank(): KeyBank | undefined {
    return this.#bank;
  }

  set bank(bank: KeyBank | undefined) {
    if (bank !== undefined && !(bank instanceof KeyBank)) {
      throw new LimbeckError(
        'INVALID_OPTION',
        'bank: expected a TeacherBank, MomentumBanks, a KeyQueue or undefined. Wrap rows: new TeacherBank(rows).',
      );
    }
    this.#bank = bank;
  }

  /**
   * Z/M of the CRD objective, the mean of exp(g·k/τ): frozen at the first batch that is evaluated, and undefined before it. Kept for
   * student anchors (over the teacher's rows) and teacher anchors apart.
   */
  get meanScores(): { readonly student: number | undefined; readonly teacher: number | undefined } {
    return this.#meanScores.values();
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
    const evaluation = await this.#contrast(studentEmbeddings, teacherEmbeddings, labels, context, true);
    const { loss, gradients, parameterGradients } = evaluation;
    return { loss, gradient: gradients.get(this.embeddingLayerName) as Matrix, parameterGradients };
  }

  /**
   * Takes a batch into the bank, where that changes with every step (momentum banks, queue). For loops of your own: call it after the
   * step whose loss was computed over the bank, with the same embeddings. `distill()` does it by itself.
   *
   * @throws LimbeckError as {@link computeContrastiveLoss}
   */
  async updateBank(
    studentEmbeddings: MatrixLike,
    teacherEmbeddings: MatrixLike,
    labels?: Labels,
    context?: ContrastiveContext,
  ): Promise<void> {
    if (!this.#bank?.updates) return;
    const batch = this.#batch(studentEmbeddings, teacherEmbeddings, labels, context);
    this.#assertFinite(batch);
    const facts = this.facts(batch);
    this.#takeIn(facts, await this.#tiles.comparedRows(batch, facts, this.#tileRequest(facts)));
  }

  override layerNames(): readonly string[] {
    return [this.embeddingLayerName];
  }

  override equalWidths(): boolean {
    return this.#projection().projection === 'none';
  }

  override widthAdvice(): string {
    return PROJECTION_ADVICE;
  }

  override parametersFor(layers: ReadonlyMap<string, LayerWidths>): readonly Parameter[] {
    const layer = layers.get(this.embeddingLayerName);
    if (!layer) return [];
    return this.#heads.parameters(this.#projection(), layer);
  }

  override symbolicLoss({
    outputs,
    layers,
    labels,
    parameters,
    data,
    structure,
  }: SymbolicBatch<ContrastStructure>): LossComponents {
    const components: Record<string, SymbolicTensor> = {};
    const embeddings = layers.get(structure.layer);
    if (embeddings) {
      const rows = comparedRows(embeddings, parameters, structure.normalize);
      components.contrastive = mul(data.contrastiveWeight, contrast(rows, data, structure.parts));
    }
    if (outputs?.teacher) {
      const { student, teacher } = outputs;
      const { outputTemperature: temperature, alpha, contrastiveWeight } = data;
      const loss = responseLoss({ student, teacher, labels, temperature, alpha });
      components.output = mul(sub(1, contrastiveWeight), loss);
    }
    return components;
  }

  override symbolicObservations({
    layers,
    parameters,
    data,
    structure,
  }: SymbolicBatch<ContrastStructure>): Readonly<Record<string, SymbolicTensor>> {
    const embeddings = layers.get(structure.layer);
    if (!embeddings) return {};
    const rows = comparedRows(embeddings, parameters, structure.normalize);
    return {
      ...meanScores(rows, data, structure.parts),
      ...(structure.observesRows ? { 'student rows': rows.student, 'teacher rows': rows.teacher } : {}),
    };
  }

  override observe(observed: Evaluation['observed']): void {
    this.#meanScores.freeze(observed);
  }

  override advance(facts: BatchFacts, observed: Evaluation['observed']): void {
    if (!this.#bank?.updates) return;
    const rows = (name: string): Matrix => {
      const { dims, data } = observed[name];
      return new Matrix(dims[0], dims[1], data as Matrix['data']);
    };
    this.#takeIn(facts, { student: rows('student rows'), teacher: rows('teacher rows') });
  }

  override settings(): unknown {
    return { ...(super.settings() as object), bank: this.#bank?.settings() };
  }

  override state(): StateArrays {
    return { ...this.#meanScores.state(), ...this.#bank?.state() };
  }

  override restore(state: StateArrays): void {
    this.#bank?.restore(state);
    this.#meanScores.restore(state);
  }

  override prepare(facts: BatchFacts): Prepared<ContrastStructure> {
    const scalar = (value: number) => ({ shape: [], tensor: scalarTensor(value, facts.dtype) });
    const layer = facts.layers.get(this.embeddingLayerName);
    const prepared = layer && this.#prepareContrast(facts, layer);
    return {
      data: {
        contrastiveWeight: scalar(this.contrastiveWeight),
        ...(facts.hasOutputs && { outputTemperature: scalar(this.outputTemperature), alpha: scalar(this.alpha) }),
        ...prepared?.data,
      },
      structure: {
        layer: this.embeddingLayerName,
        normalize: this.normalize,
        observesRows: this.#bank?.updates ?? false,
        parts: prepared?.parts ?? [],
      },
    };
  }

  override needsTiles(facts: BatchFacts): boolean {
    return this.#tiles.needed(facts, this.#tileRequest(facts));
  }

  protected override async evaluateInTiles(
    batch: ConcreteBatch,
    facts: BatchFacts,
    withGradient: boolean,
  ): Promise<Evaluation> {
    const contrastive = await this.#tiles.evaluate(batch, facts, this.#tileRequest(facts), withGradient);
    if (!batch.outputs) return contrastive;
    const output = await this.evaluate({ ...batch, layers: new Map() }, withGradient);
    return {
      ...contrastive,
      loss: contrastive.loss + output.loss,
      components: { ...contrastive.components, ...output.components },
      gradients: new Map([...contrastive.gradients, ...output.gradients]),
    };
  }

  override async release(): Promise<void> {
    await this.#tiles.release();
    await super.release();
  }

  #prepareContrast(facts: BatchFacts, layer: LayerFacts): PreparedContrast {
    const prepared = prepareContrast(this.#options, this.#contrastRequest(facts, layer));
    if (!prepared.usable) this.#warnOfNoTriplet();
    return prepared;
  }

  #warnOfNoTriplet(): void {
    if (this.#warnedOfNoTriplet) return;
    this.#warnedOfNoTriplet = true;
    warnOnConsole(
      'ContrastiveDistillationStrategy: no anchor of the batch has a negative (one class only?); the triplet loss is 0.',
    );
  }

  #tileRequest(facts: BatchFacts): TileRequest {
    return {
      layer: this.embeddingLayerName,
      normalize: this.normalize,
      parameters: this.parametersFor(facts.layers),
      teacherTrained: this.#projection().projection === 'both',
      weight: this.contrastiveWeight,
      maxLogits: this.maxLogits,
      observesRows: this.#bank?.updates ?? false,
      width: (layer) => comparedWidth(layer, this.#projection()).width,
      logitsPerAnchor: (layer) => logitsPerAnchor(this.#options, this.#contrastRequest(facts, layer)),
      prepare: (layer, range) => prepareContrast(this.#options, this.#contrastRequest(facts, layer, range)),
      observe: (observed) => this.observe(observed),
      noneUsable: () => this.#warnOfNoTriplet(),
    };
  }

  #contrastRequest(facts: BatchFacts, layer: LayerFacts, range?: AnchorRange): ContrastRequest {
    return { facts, layer, projection: this.#projection(), bank: this.#bank, meanScores: this.#meanScores, range };
  }

  #takeIn(facts: BatchFacts, rows: Pair<Matrix>): void {
    const { sampleIds, classIndices, duplicateOf, layers } = facts;
    // Where no head is on them, the teacher's rows as the bank itself would make them: it knows them by their bits.
    const raw = this.#projection().projection === 'both' ? undefined : layers.get(this.embeddingLayerName)?.teacherRows;
    const teacher = raw ? unitRows(raw, 'teacher rows', ZERO_NORM) : rows.teacher;
    this.#bank?.takeIn({ student: rows.student, teacher, sampleIds, classIndices, duplicateOf });
  }

  #projection(): ProjectionRequest {
    const { projection, mode, projectionDimension: dimension, seed } = this;
    return { projection: projection === 'auto' ? (mode === 'crd' ? 'both' : 'none') : projection, dimension, seed };
  }

  #batch(
    studentEmbeddings: MatrixLike,
    teacherEmbeddings: MatrixLike,
    labels: Labels | undefined,
    { sampleIds, step, into }: ContrastiveContext = {},
  ): ConcreteBatch {
    const pair = toUncheckedPair(
      studentEmbeddings,
      teacherEmbeddings,
      this.embeddingLayerName,
      this.equalWidths() ? this.widthAdvice() : undefined,
    );
    if (into) checkPlace(into, pair);
    return {
      layers: new Map([[this.embeddingLayerName, pair]]),
      labels,
      sampleIds,
      step,
      into: into && new Map([[this.embeddingLayerName, into]]),
    };
  }

  async #contrast(
    studentEmbeddings: MatrixLike,
    teacherEmbeddings: MatrixLike,
    labels: Labels | undefined,
    context: ContrastiveContext | undefined,
    withGradient: boolean,
  ): Promise<Evaluation> {
    const batch = this.#batch(studentEmbeddings, teacherEmbeddings, labels, context);
    // Every row enters a softmax, as an anchor or as an anchor's own key, so a number that is not finite makes the loss NaN. Looking for
    // one beforehand takes a twentieth of the time of the loss. A bank looks for the batch's rows before there is a loss.
    const tells = (this.mode === 'ntxent' || this.mode === 'infonce') && !this.#bank;
    if (!tells) this.#assertFinite(batch);
    const evaluation = await this.evaluate(batch, withGradient);
    if (!Number.isFinite(evaluation.loss)) this.#assertFinite(batch);
    return evaluation;
  }

  #assertFinite({ layers }: ConcreteBatch): void {
    for (const [name, pair] of layers) assertPairFinite(pair, name);
  }
}
