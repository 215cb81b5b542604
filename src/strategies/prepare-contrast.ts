/** From the options and a concrete batch to the parts of the contrastive loss and their numbers; what does not go together is refused. */
import { LimbeckError } from '../errors.ts';
import { sharesWithinRange } from '../losses/contrastive.ts';
import { withinRange } from '../losses/noise-contrastive.ts';
import type { BankView, KeyBank } from '../negatives/key-bank.ts';
import { type AnchorRange, type Selection, selectKeys } from '../negatives/selection.ts';
import { scalarTensor } from '../runtime/tensors.ts';
import { type AnchorSide, prepareDirection, type RowNames } from './anchor-direction.ts';
import type { BatchFacts, LayerFacts, Prepared } from './batch.ts';
import { type ContrastPart, meanScoreName } from './contrast.ts';
import type { ContrastiveOptions } from './contrastive-options.ts';
import type { MeanScores } from './mean-scores.ts';
import { comparedWidth, type ProjectionRequest } from './projection-heads.ts';
import { tripletData } from './triplet-form.ts';

export interface ContrastRequest {
  readonly facts: BatchFacts;
  readonly layer: LayerFacts;
  readonly projection: ProjectionRequest;
  readonly bank: KeyBank | undefined;
  readonly meanScores: MeanScores;
  /** The anchors at hand; undefined for the whole batch. */
  readonly range?: AnchorRange | undefined;
}

export interface PreparedContrast {
  readonly data: Prepared['data'];
  readonly parts: readonly ContrastPart[];
  /** False when no anchor at hand has a negative and the loss is 0 for that. */
  readonly usable: boolean;
}

/** @throws LimbeckError INVALID_OPTION, SHAPE_MISMATCH, INVALID_ARGUMENT, NO_NEGATIVES */
export function prepareContrast(options: ContrastiveOptions, request: ContrastRequest): PreparedContrast {
  checkOptions(options, request);
  return options.mode === 'triplet' ? prepareTriplet(options, request) : prepareDirections(options, request);
}

/** At most how many logits one anchor has: what decides about tiles. */
export function logitsPerAnchor(options: ContrastiveOptions, request: ContrastRequest): number {
  const candidates = request.facts.rows + (bankView(options, 'student', request)?.size ?? 0);
  if (options.mode === 'triplet') return options.mining === 'hard' ? candidates : candidates * candidates;
  // A draw that the batch shares has one key more than negatives; with classes it may need to look further.
  const shared = options.negativesDraw === 'batch' && !request.facts.classIndices;
  return shared ? Math.min(candidates, options.negativesSampleSize + 1) : candidates;
}

/** The bank as student anchors or teacher anchors see it in a mode. */
export function bankView(
  { mode }: ContrastiveOptions,
  anchors: AnchorSide,
  { bank, facts, layer, projection }: ContrastRequest,
): BankView | undefined {
  // The teacher's direction of a symmetric softmax stays in the batch: rows of a student bank are data, and would train nothing.
  if (!bank || (anchors === 'teacher' && mode !== 'crd')) return undefined;
  const { rows, sampleIds, duplicateOf } = facts;
  return bank.view(anchors, {
    anchors: rows,
    sampleIds,
    duplicateOf,
    // With a head on them rows move from step to step, and nothing is known by its row.
    teacher: projection.projection === 'both' ? undefined : layer.teacherRows,
  });
}

function prepareTriplet(options: ContrastiveOptions, request: ContrastRequest): PreparedContrast {
  const { facts, layer, projection } = request;
  const range = request.range ?? { from: 0, to: facts.rows };
  const bank = bankView(options, 'student', request);
  const selection = select(options, 'student', bank, request);
  const { dimension: width } = comparedWidth(layer, projection);
  const prepared = tripletData({
    selection,
    bank,
    range,
    facts,
    width,
    names: rowNames(request),
    margin: options.margin,
  });
  return {
    data: prepared.data,
    parts: [{ kind: 'triplet', form: { mining: options.mining, bank: prepared.bank } }],
    usable: prepared.usable,
  };
}

function prepareDirections(options: ContrastiveOptions, request: ContrastRequest): PreparedContrast {
  const { facts, layer, projection, meanScores } = request;
  const { from, to } = request.range ?? { from: 0, to: facts.rows };
  const scalar = (value: number) => ({ shape: [], tensor: scalarTensor(value, facts.dtype) });
  const data: Record<string, Prepared['data'][string]> = { temperature: scalar(options.temperature) };
  const { dimension: width } = comparedWidth(layer, projection);
  const kind = options.mode === 'crd' ? 'noise' : 'softmax';
  let before: { readonly bank: BankView | undefined; readonly selection: Selection } | undefined;
  const parts = anchorSides(options).map((anchors): ContrastPart => {
    const bank = bankView(options, anchors, request);
    // Both directions draw with one seed: over keys that are numbered alike they see the same ones.
    const selection =
      before && numberedAlike(before.bank, bank) ? before.selection : select(options, anchors, bank, request);
    before = { bank, selection };
    const prepared = prepareDirection({
      anchors,
      selection,
      bank,
      rowOfAnchor: (bank?.rowOfAnchor ?? new Int32Array(facts.rows)).subarray(from, to),
      facts,
      width,
      names: rowNames(request),
      soft: options.targets === 'teacher',
      counted: kind === 'noise',
      byShares: kind === 'softmax' && sharesWithinRange(options.temperature),
    });
    Object.assign(data, prepared.data);
    const { direction } = prepared;
    if (kind === 'softmax') return { kind, direction };
    const frozen = meanScores.log(anchors);
    if (frozen !== undefined) data[meanScoreName(anchors)] = scalar(frozen);
    return { kind, direction, calibrated: frozen !== undefined, bounded: withinRange(options.temperature) };
  });
  return { data, parts, usable: true };
}

/** Whose rows are anchors in a mode, in the order of the parts. */
function anchorSides({ mode, symmetric }: ContrastiveOptions): readonly AnchorSide[] {
  if (symmetric || mode === 'crd') return ['student', 'teacher'];
  return [mode === 'infonce' ? 'teacher' : 'student'];
}

/** Whether two views hold the same samples in the same rows, as far as a selection asks. */
function numberedAlike(a: BankView | undefined, b: BankView | undefined): boolean {
  if (!a || !b) return a === b;
  return (
    a.size === b.size &&
    a.labels === b.labels &&
    !a.groups &&
    !b.groups &&
    a.rowOfAnchor.every((row, i) => row === b.rowOfAnchor[i])
  );
}

/** In tiles the anchors at hand are other rows than the batch; at once they are the same. */
function rowNames({ range }: ContrastRequest): RowNames {
  return { anchors: range ? 'anchors' : 'batch', batch: 'batch' };
}

function select(
  options: ContrastiveOptions,
  anchors: AnchorSide,
  bank: BankView | undefined,
  { facts, range }: ContrastRequest,
): Selection {
  if (bank && facts.classIndices && !bank.labels) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      'bank: expected a label for every bank row when the batch has labels. Pass them too: ' +
        'new TeacherBank(rows, { labels }), new MomentumBanks({ samples, labels }), or updateBank(student, teacher, labels) for a KeyQueue.',
    );
  }
  const selection = selectKeys({
    anchors: facts.rows,
    labels: facts.classIndices,
    positives: options.positives,
    sampleSize: options.negativesSampleSize,
    draw: options.negativesDraw,
    sampleIds: facts.sampleIds,
    bank,
    seed: options.seed,
    step: facts.step,
    range,
  });
  if (selection.candidates > 0) return selection;
  throw new LimbeckError(
    'NO_NEGATIVES',
    `${options.mode}: expected at least two samples to contrast, got one${bank ? ', which is all that the bank holds' : ''}. ` +
      (anchors === 'student'
        ? 'Use a larger batch, or set a bank that holds other samples.'
        : 'Use a larger batch: with teacher anchors negatives come from the batch alone.'),
  );
}

/** Options that are valid each by itself but not together. */
function checkOptions(options: ContrastiveOptions, { bank, facts, layer, projection }: ContrastRequest): void {
  const { mode, symmetric, normalize, targets, positives } = options;
  const softmax = mode === 'ntxent' || mode === 'infonce';
  const unfit = (option: string, needed: string): LimbeckError =>
    new LimbeckError('INVALID_OPTION', `${option}: expected ${needed}; got mode '${mode}'. Change one of them.`);
  if (symmetric && !softmax)
    throw unfit('symmetric: true', "mode 'ntxent' or 'infonce', which have two directions to average");
  if (targets === 'teacher' && !softmax) throw unfit("targets: 'teacher'", "mode 'ntxent' or 'infonce'");
  if (!normalize && mode !== 'triplet')
    throw unfit('normalize: false', "mode 'triplet': the other modes contrast cosines");
  if (targets === 'teacher' && facts.classIndices && positives === 'class') {
    throw unfit("targets: 'teacher'", "positives: 'instance' with labels: class positives are targets of their own");
  }
  if (!bank) return;
  if (!normalize) throw unfit('bank', 'normalize: true, since bank rows have norm 1');
  if (mode === 'infonce' && !symmetric) {
    throw new LimbeckError(
      'INVALID_OPTION',
      "bank: expected mode 'ntxent' or symmetric: true with a bank, got mode 'infonce', whose keys are student " +
        'rows. Change the mode, or set bank to undefined.',
    );
  }
  if (bank.inTeacherSpace && projection.projection === 'both') {
    throw new LimbeckError(
      'INVALID_OPTION',
      "bank: expected projection 'none' or 'student' with a TeacherBank, whose rows are in the teacher's own space, got " +
        "'both'. Change projection, or use MomentumBanks or a KeyQueue.",
    );
  }
  const { width } = comparedWidth(layer, projection);
  if (bank.dimension !== width) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `bank: expected rows as wide as those that are compared, of width ${width}, got ${bank.dimension}.`,
    );
  }
}
