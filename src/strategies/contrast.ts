/**
 * The contrastive loss of the strategy as symbols: a few parts (anchor directions, or triplets), each a weighted total over anchors.
 * The same functions serve the whole batch at once and tiles of anchors; only what is passed as "the anchors at hand" differs.
 */
import { add, mul, type SymbolicTensor } from '../graph/index.ts';
import { type ContrastiveTerms, contrastiveTotal } from '../losses/contrastive.ts';
import { l2Normalize } from '../losses/cosine.ts';
import { logMeanScore, noiseContrastiveTotal } from '../losses/noise-contrastive.ts';
import { tripletTotal } from '../losses/triplet.ts';
import { type WeightedTotal, weightedMean } from '../losses/weighted-total.ts';
import { type AnchorDirection, type AnchorSide, directionData, directionTerms } from './anchor-direction.ts';
import type { Pair } from './batch.ts';
import { projected } from './projection-heads.ts';
import { type TripletForm, tripletTerms } from './triplet-form.ts';

/** Telling pairs from noise, key by key. */
interface NoisePart {
  readonly kind: 'noise';
  readonly direction: AnchorDirection;
  /** Whether the mean score is frozen and fed; else it is that of the batch at hand. */
  readonly calibrated: boolean;
  /** Whether exponentials of all logits are finite. */
  readonly bounded: boolean;
}

/** One part of the loss. */
export type ContrastPart =
  | { readonly kind: 'softmax'; readonly direction: AnchorDirection }
  | NoisePart
  | { readonly kind: 'triplet'; readonly form: TripletForm };

/** What changes the graph. */
export interface ContrastStructure {
  readonly layer: string;
  /** Whether rows are compared after division by their norms. */
  readonly normalize: boolean;
  /** Whether a bank wants to see the compared rows after a step. */
  readonly observesRows: boolean;
  /** Empty when the batch lacks the layer. */
  readonly parts: readonly ContrastPart[];
}

type Tensors = Readonly<Record<string, SymbolicTensor>>;

/** The name of the frozen mean score of one direction, as data and as observation. */
export const meanScoreName = (anchors: AnchorSide): string => directionData(anchors, 'log mean score');

/** Rows as the loss compares them: through the heads that there are, and of norm 1. */
export function comparedRows(
  rows: Pair<SymbolicTensor>,
  parameters: Tensors,
  normalize: boolean,
): Pair<SymbolicTensor> {
  const { student, teacher } = projected(rows, parameters);
  return normalize ? { student: l2Normalize(student), teacher: l2Normalize(teacher) } : { student, teacher };
}

/** One part over the anchors at hand, with the rows of the whole batch as keys. */
export function partTotal(
  part: ContrastPart,
  anchors: Pair<SymbolicTensor>,
  batch: Pair<SymbolicTensor>,
  data: Tensors,
): WeightedTotal {
  if (part.kind === 'triplet') return tripletTotal(tripletTerms(anchors, batch, data, part.form));
  const terms = directionTerms(anchors, batch, data, part.direction);
  if (part.kind === 'softmax') return contrastiveTotal(terms);
  const negatives = data[directionData(part.direction.anchors, 'negatives')];
  const { bounded } = part;
  return noiseContrastiveTotal({ ...terms, negatives, bounded, logMeanScore: partMeanScore(part, terms, data) });
}

function partMeanScore({ direction, calibrated }: NoisePart, terms: ContrastiveTerms, data: Tensors): SymbolicTensor {
  return calibrated ? data[meanScoreName(direction.anchors)] : logMeanScore(terms);
}

/** How the means of the parts make the loss: softmax directions are averaged, the two sides of CRD added. */
export function partScale(parts: readonly ContrastPart[]): number {
  return parts[0].kind === 'softmax' ? 1 / parts.length : 1;
}

/** The loss of a batch at once. */
export function contrast(rows: Pair<SymbolicTensor>, data: Tensors, parts: readonly ContrastPart[]): SymbolicTensor {
  const means = parts.map((part) => weightedMean(partTotal(part, rows, rows, data)));
  const scale = partScale(parts);
  const total = means.reduce(add);
  return scale === 1 ? total : mul(total, scale);
}

/** The mean scores that are not frozen yet, by {@link meanScoreName}. */
export function meanScores(rows: Pair<SymbolicTensor>, data: Tensors, parts: readonly ContrastPart[]): Tensors {
  return Object.fromEntries(
    parts.flatMap((part) =>
      part.kind === 'noise' && !part.calibrated
        ? [[meanScoreName(part.direction.anchors), logMeanScore(directionTerms(rows, rows, data, part.direction))]]
        : [],
    ),
  );
}
