/**
 * The softmax contrastive loss over cosine similarities: the one definition behind NT-Xent and InfoNCE, with or without labels,
 * bank and sampling (mathematics.md, section 2). Which keys an anchor sees is decided in `negatives/`, not here.
 *
 *   L = 1/B Σᵢ [ log Σⱼ exp(aᵢ·kⱼ/τ) − Σⱼ yᵢⱼ aᵢ·kⱼ/τ ]
 *
 * with j over the keys that anchor i sees and y its targets, which sum to 1: all on its own key, shared by its class, or spread as
 * the teacher's own similarities are.
 * The maximum is subtracted before exponentials are taken; nothing is added inside the logarithm. Value and gradient share one softmax.
 */
import {
  add,
  concat,
  div,
  logSumExpParts,
  matmul,
  mul,
  pickedLoss,
  type SymbolicTensor,
  scatterElements,
  softmax,
  sub,
} from '../graph/index.ts';
import { rowDot } from './cosine.ts';
import { overAnchors, type WeightedTotal, weightedMean } from './weighted-total.ts';

/** A block of keys shared by all anchors. */
export interface KeyBlock {
  /** [N, D], unit or zero rows. */
  readonly keys: SymbolicTensor;
  /** [B, N]: 0 where the anchor sees the key, −∞ where it does not. Without it every anchor sees every key. */
  readonly mask?: SymbolicTensor | undefined;
  /** In place of a mask, where an anchor sees all keys but one at most. */
  readonly hidden?: HiddenKeys | undefined;
  /** [B, N]: the targets y. Without it (in any block) the target is each anchor's own key. */
  readonly targets?: SymbolicTensor | undefined;
  /** [N, D]: the teacher's rows of the keys' samples; needed with {@link ContrastiveTerms.teacherAnchors}. */
  readonly teacherKeys?: SymbolicTensor | undefined;
}

/** One key of a block for each anchor, and whether it is hidden from it. */
export interface HiddenKeys {
  /** [B, 1], int32. */
  readonly columns: SymbolicTensor;
  /** [B, 1]: −∞ where the anchor does not see the key of that column, 0 where it sees it. */
  readonly values: SymbolicTensor;
}

export interface ContrastiveTerms {
  /** [B, D], unit or zero rows. */
  readonly anchors: SymbolicTensor;
  /** [B, D]: the key of the same sample for each anchor, its positive. */
  readonly own: SymbolicTensor;
  /** True when no block shows an anchor its own key, so that it enters the sum from `own`. */
  readonly ownApart: boolean;
  /** [B, 1]: the target of the own key, when it is apart and blocks have targets. */
  readonly ownTarget?: SymbolicTensor | undefined;
  readonly blocks: readonly KeyBlock[];
  /**
   * [B, D]: the teacher's rows of the anchors. With them targets are soft: y is the teacher's own softmax over the same keys at the
   * same temperature, and `targets` is not used.
   */
  readonly teacherAnchors?: SymbolicTensor | undefined;
  /** [B, D]: the teacher's rows of the own keys, where these are not the anchors' (momentum banks). */
  readonly teacherOwn?: SymbolicTensor | undefined;
  /** Scalar τ > 0. */
  readonly temperature: SymbolicTensor;
  /**
   * [B, 1], integers: where the own keys stand among the keys of all blocks, one after the other, and behind them with `ownApart`. With it
   * the loss is read off the own keys' shares of the softmax, which saves passes over the logits. Only where {@link sharesWithinRange},
   * and targets are the own keys.
   */
  readonly ownColumns?: SymbolicTensor | undefined;
}

/** Of float32 the smallest normal number is e^−87; the rest is room for 1e10 keys. */
const LARGEST_EXPONENT = 64;

/** Whether no share of a softmax over cosines / τ vanishes: logits differ by 2/τ at most. */
export function sharesWithinRange(temperature: number): boolean {
  return 2 / temperature <= LARGEST_EXPONENT;
}

/** The loss, a scalar ≥ 0. */
export function contrastiveLoss(terms: ContrastiveTerms): SymbolicTensor {
  return weightedMean(contrastiveTotal(terms));
}

/** {@link contrastiveLoss} as a sum over anchors, each of weight 1. */
export function contrastiveTotal(terms: ContrastiveTerms): WeightedTotal {
  const { ownLogit, logits } = scaledLogits(terms);
  const seen = logits.map((block) => block.seen);
  // An anchor sees its own key, so no row is −∞ throughout.
  const all = concat(terms.ownApart ? [...seen, ownLogit] : seen, 1);
  if (terms.ownColumns) return overAnchors(pickedLoss(all, terms.ownColumns));
  const { highest, excess } = logSumExpParts(all);
  const target = targetLogit(
    terms,
    ownLogit,
    logits.map(({ product }) => product),
  );
  // The two large numbers, of the size of 1/τ, are subtracted first: at τ = 0.001 the loss itself may be a thousandth.
  return overAnchors(add(sub(highest, target), excess));
}

/** The logits of one block of keys. */
export interface BlockLogits {
  /** [B, N]: aᵢ·kⱼ/τ. */
  readonly product: SymbolicTensor;
  /** [B, N]: the same, −∞ where the anchor does not see the key. */
  readonly seen: SymbolicTensor;
}

/** aᵢ·kⱼ/τ for the own keys [B, 1] and for every block. */
export function scaledLogits({ anchors: rows, temperature, own, blocks }: ContrastiveTerms): {
  readonly ownLogit: SymbolicTensor;
  readonly logits: readonly BlockLogits[];
} {
  // Dividing the anchors by τ costs B·D divisions; dividing the logits would cost B·N.
  const anchors = div(rows, temperature);
  const logits = blocks.map((block) => {
    const product = matmul(anchors, block.keys, { transposeB: true });
    return { product, seen: seenOf(product, block) };
  });
  return { ownLogit: rowDot(anchors, own), logits };
}

/** A block's numbers [B, N], −∞ where the anchor does not see the key. */
function seenOf(product: SymbolicTensor, { mask, hidden }: KeyBlock): SymbolicTensor {
  const shown = mask ? add(product, mask) : product;
  return hidden ? scatterElements(shown, hidden.columns, hidden.values, 1, 'add') : shown;
}

/** Σⱼ yᵢⱼ aᵢ·kⱼ/τ as [B, 1]. */
export function targetLogit(terms: ContrastiveTerms, ownLogit: SymbolicTensor, products: readonly SymbolicTensor[]) {
  if (terms.teacherAnchors) return softTargetLogit(terms, terms.teacherAnchors, ownLogit, products);
  const { blocks, ownTarget } = terms;
  const shares = blocks.flatMap(({ targets }, i) => (targets ? [rowDot(targets, products[i])] : []));
  if (shares.length === 0) return ownLogit;
  return (ownTarget ? [mul(ownTarget, ownLogit), ...shares] : shares).reduce(add);
}

/** {@link targetLogit} with y = softmax over the seen keys of the teacher's similarities divided by τ. */
function softTargetLogit(
  { blocks, ownApart, temperature, teacherOwn }: ContrastiveTerms,
  teacherAnchors: SymbolicTensor,
  ownLogit: SymbolicTensor,
  products: readonly SymbolicTensor[],
): SymbolicTensor {
  const anchors = div(teacherAnchors, temperature);
  const similarities = blocks.map((block) =>
    seenOf(matmul(anchors, block.teacherKeys as SymbolicTensor, { transposeB: true }), block),
  );
  const values = [...products];
  if (ownApart) {
    similarities.push(rowDot(anchors, teacherOwn ?? teacherAnchors));
    values.push(ownLogit);
  }
  return rowDot(softmax(concat(similarities, 1)), concat(values, 1));
}
