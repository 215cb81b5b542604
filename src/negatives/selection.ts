/**
 * Which keys each anchor is contrasted with: candidates, label rules and the seeded draw of `negativesSampleSize` negatives
 * (mathematics.md, section 2). The result is data for `losses/contrastive.ts`: masks and targets, where any are needed.
 *
 * Candidates are samples, not rows: a sample that is both in the batch and in the bank counts once, as its bank row.
 */
import type { FloatArray } from '../matrix/matrix.ts';
import { Random } from '../matrix/random.ts';

export interface SelectionRequest {
  /** Number of anchors B. */
  readonly anchors: number;
  /** Class of every anchor. */
  readonly labels?: Int32Array | undefined;
  /** What same-class candidates are, when there are labels: positives, or left out. */
  readonly positives: 'class' | 'instance';
  /** At most this many negatives for each anchor. */
  readonly sampleSize: number;
  /** Sample of every anchor: equal samples are never each other's negatives. */
  readonly sampleIds?: Int32Array | undefined;
  readonly bank?:
    | {
        readonly size: number;
        readonly labels?: Int32Array | undefined;
        /** For every anchor the bank row that holds its sample, or −1. */
        readonly rowOfAnchor: Int32Array;
      }
    | undefined;
  readonly seed: number;
  /** The draw depends on seed and step alone, so that a loss and its gradient, asked for apart, see the same negatives. */
  readonly step: number;
}

/**
 * Masks are 0 (seen) or −∞; targets of an anchor sum to 1 over all blocks and `ownTarget`. Row-major [B, keys]. Targets are
 * fractions such as 1/3, hence float64: rounded earlier, they would spoil a loss in float64.
 */
export interface SelectedBlock {
  readonly mask?: Float32Array;
  readonly targets?: Float64Array;
}

export interface Selection {
  /** True when no block shows an anchor its own key. */
  readonly ownApart: boolean;
  readonly ownTarget?: Float64Array;
  /** The batch's rows as keys; undefined when every one of them is in the bank. */
  readonly batch?: SelectedBlock;
  /** Bank rows as keys; `rows` undefined means all of them, in order. */
  readonly bank?: SelectedBlock & { readonly rows?: Int32Array };
  /** Candidates besides the own sample: 0 means that there is nothing to contrast with. */
  readonly candidates: number;
}

/** Keys are numbered: first the batch columns that are not in the bank, then the bank's rows. */
interface Candidates {
  readonly batchColumns: Int32Array;
  readonly total: number;
}

export function selectKeys(request: SelectionRequest): Selection {
  const { anchors, labels, bank, sampleIds } = request;
  const columns = Array.from({ length: anchors }, (_, i) => i).filter((i) => !bank || bank.rowOfAnchor[i] < 0);
  const batchColumns = Int32Array.from(columns);
  const candidates: Candidates = { batchColumns, total: batchColumns.length + (bank?.size ?? 0) };
  const oneBlockHoldsAllOwn = batchColumns.length === anchors || batchColumns.length === 0;
  const unlimited = request.sampleSize >= candidates.total - 1;
  const repeated = sampleIds !== undefined && batchColumns.length > 0 && new Set(sampleIds).size < anchors;
  if (!labels && unlimited && !repeated && oneBlockHoldsAllOwn) {
    // Every anchor sees every key, its own among them: nothing to mask, nothing to mark.
    return {
      ownApart: false,
      candidates: candidates.total - 1,
      ...(batchColumns.length > 0 ? { batch: {} } : {}),
      ...(bank ? { bank: {} } : {}),
    };
  }
  return maskedSelection(request, candidates, { unlimited, repeated });
}

function maskedSelection(
  request: SelectionRequest,
  candidates: Candidates,
  { unlimited, repeated }: { unlimited: boolean; repeated: boolean },
): Selection {
  const { anchors, labels, bank, sampleIds, sampleSize } = request;
  const { batchColumns, total } = candidates;
  const ownKey = ownKeys(request, candidates);
  const keyLabel = labels && keyLabels(request, candidates);
  const sameSample = (i: number, key: number): boolean =>
    key === ownKey[i] ||
    (repeated && sampleIds !== undefined && key < batchColumns.length && sampleIds[batchColumns[key]] === sampleIds[i]);
  const isNegative = (i: number, key: number): boolean =>
    !sameSample(i, key) && !(labels && keyLabel && keyLabel[key] === labels[i]);

  // One random order of the keys, shared by the batch, of which each anchor takes its first `sampleSize` negatives. A
  // uniform order stays uniform when some keys are skipped, so each anchor's draw is uniform without replacement.
  const order = unlimited ? Int32Array.from({ length: total }, (_, key) => key) : drawnOrder(request, total, repeated);
  const ends = new Int32Array(anchors).fill(order.length);
  for (let i = 0; i < anchors && !unlimited; i++) {
    let position = 0;
    for (let left = sampleSize; left > 0 && position < order.length; position++) {
      if (isNegative(i, order[position])) left--;
    }
    ends[i] = position;
  }
  const positives = Array.from({ length: anchors }, (_, i) => {
    if (!labels || !keyLabel || request.positives === 'instance') return [];
    const sameClass: number[] = [];
    // A repetition of the own sample is the own key once more, not another positive.
    for (let key = 0; key < total; key++) if (keyLabel[key] === labels[i] && !sameSample(i, key)) sameClass.push(key);
    return sameClass;
  });

  const columns = new Columns(anchors, batchColumns, bank?.size ?? 0, [
    order.subarray(0, Math.max(...ends)),
    ...positives,
  ]);
  // A drawn part of the bank need not hold every anchor's own row; then own keys stand apart, for all anchors alike.
  const ownApart = ownKey.some((key) => !columns.has(key));
  const withTargets = labels !== undefined && request.positives === 'class';
  const ownTarget = new Float64Array(anchors);
  const masks = columns.matrices(Float32Array, anchors);
  masks.batch.fill(Number.NEGATIVE_INFINITY);
  masks.bank.fill(Number.NEGATIVE_INFINITY);
  const targets = columns.matrices(Float64Array, anchors);
  for (let i = 0; i < anchors; i++) {
    for (let position = 0; position < ends[i]; position++) {
      if (isNegative(i, order[position])) columns.set(masks, i, order[position], 0);
    }
    const share = 1 / (1 + positives[i].length);
    ownTarget[i] = share;
    for (const key of ownApart ? positives[i] : [ownKey[i], ...positives[i]]) {
      columns.set(masks, i, key, 0);
      columns.set(targets, i, key, share);
    }
  }
  const block = (which: 'batch' | 'bank'): SelectedBlock =>
    withTargets ? { mask: masks[which], targets: targets[which] } : { mask: masks[which] };
  const repetitions = repeated ? batchColumns.length - new Set(batchColumns.map((i) => sampleIds?.[i] ?? i)).size : 0;
  return {
    ownApart,
    candidates: total - repetitions - 1,
    ...(ownApart && withTargets ? { ownTarget } : {}),
    ...(batchColumns.length > 0 ? { batch: block('batch') } : {}),
    ...(columns.bankRows.length > 0
      ? {
          bank: {
            ...block('bank'),
            ...(columns.bankRows.length < (bank?.size ?? 0) ? { rows: columns.bankRows } : {}),
          },
        }
      : {}),
  };
}

/** The numbers of both blocks, row-major [B, keys]. */
interface Blocks<A> {
  readonly batch: A;
  readonly bank: A;
}

/** Where keys stand: the batch block has all B columns, the bank block one for each bank row that any anchor sees. */
class Columns {
  readonly bankRows: Int32Array;
  readonly #batchColumns: Int32Array;
  readonly #columnOfRow: Int32Array;
  readonly #batchWidth: number;

  constructor(anchors: number, batchColumns: Int32Array, bankSize: number, used: readonly ArrayLike<number>[]) {
    this.#batchColumns = batchColumns;
    this.#batchWidth = anchors;
    this.#columnOfRow = new Int32Array(bankSize).fill(-1);
    for (const keys of used) {
      for (let k = 0; k < keys.length; k++) {
        if (keys[k] >= batchColumns.length) this.#columnOfRow[keys[k] - batchColumns.length] = 0;
      }
    }
    const rows: number[] = [];
    for (let row = 0; row < bankSize; row++) {
      if (this.#columnOfRow[row] === 0) this.#columnOfRow[row] = rows.push(row) - 1;
    }
    this.bankRows = Int32Array.from(rows);
  }

  has(key: number): boolean {
    return key < this.#batchColumns.length || this.#columnOfRow[key - this.#batchColumns.length] >= 0;
  }

  matrices<A extends FloatArray>(type: new (length: number) => A, anchors: number): Blocks<A> {
    return { batch: new type(anchors * this.#batchWidth), bank: new type(anchors * this.bankRows.length) };
  }

  set(matrices: Blocks<FloatArray>, anchor: number, key: number, value: number): void {
    const inBatch = this.#batchColumns.length;
    if (key < inBatch) matrices.batch[anchor * this.#batchWidth + this.#batchColumns[key]] = value;
    else matrices.bank[anchor * this.bankRows.length + this.#columnOfRow[key - inBatch]] = value;
  }
}

function ownKeys({ anchors, bank }: SelectionRequest, { batchColumns }: Candidates): Int32Array {
  const own = new Int32Array(anchors);
  if (bank) for (let i = 0; i < anchors; i++) own[i] = batchColumns.length + bank.rowOfAnchor[i];
  for (const [key, column] of batchColumns.entries()) own[column] = key;
  return own;
}

function keyLabels({ labels, bank }: SelectionRequest, { batchColumns, total }: Candidates): Int32Array {
  const result = new Int32Array(total);
  for (const [key, column] of batchColumns.entries()) result[key] = (labels as Int32Array)[column];
  if (bank) result.set(bank.labels as Int32Array, batchColumns.length);
  return result;
}

function drawnOrder(
  { seed, step, labels, sampleSize }: SelectionRequest,
  total: number,
  repeated: boolean,
): Int32Array {
  const random = Random.forPurpose(seed, `negatives ${step}`);
  // An anchor that only skips its own key needs one key more than it takes; with classes or repeated samples any number.
  if (!labels && !repeated) return random.sample(total, sampleSize + 1);
  return random.shuffle(Int32Array.from({ length: total }, (_, key) => key));
}
