/**
 * Which keys each anchor is contrasted with: candidates, label rules and the seeded draw of `negativesSampleSize` negatives
 * (mathematics.md, section 2). The result is data for `losses/contrastive.ts`: masks and targets, where any are needed.
 *
 * Candidates are samples, not rows: a sample that is both in the batch and in the bank counts once, as its bank row.
 */
import { everyNumber } from '../matrix/every-number.ts';
import { Random } from '../matrix/random.ts';
import { Columns, type Which } from './columns.ts';
import { drawPurpose, sharedDraw } from './shared-draw.ts';

export interface SelectionRequest {
  /** Number of anchors B. */
  readonly anchors: number;
  /** Class of every anchor. */
  readonly labels?: Int32Array | undefined;
  /** What same-class candidates are, when there are labels: positives, or left out. */
  readonly positives: 'class' | 'instance';
  /** At most this many negatives for each anchor. */
  readonly sampleSize: number;
  /** Whether the batch shares one draw (the default), or every anchor has its own. */
  readonly draw?: 'batch' | 'anchor' | undefined;
  /** Sample of every anchor: equal samples are never each other's negatives. */
  readonly sampleIds?: Int32Array | undefined;
  readonly bank?:
    | {
        readonly size: number;
        /** A row of class −1 has no known class: with labels it is nobody's negative and nobody's positive. */
        readonly labels?: Int32Array | undefined;
        /** For every anchor the bank row that holds its sample, or −1. */
        readonly rowOfAnchor: Int32Array;
        /** Rows that are an anchor's own sample once more: those of its group (−1: none). */
        readonly groups?: { readonly ofAnchor: Int32Array; readonly ofRow: Int32Array } | undefined;
      }
    | undefined;
  readonly seed: number;
  /** The draw depends on seed and step alone, so that a loss and its gradient, asked for apart, see the same negatives. */
  readonly step: number;
  /** Select for the anchors `from` … `to` − 1 only, over the keys of the whole batch. By default for all. */
  readonly range?: AnchorRange | undefined;
}

/** A tile of anchors: `from` … `to` − 1. */
export interface AnchorRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Masks are 0 (seen) or −∞; targets of an anchor sum to 1 over all blocks and `ownTarget`. Row-major [anchors, keys]. Targets are
 * fractions such as 1/3, hence float64: rounded earlier, they would spoil a loss in float64.
 */
export interface SelectedBlock {
  readonly mask?: Float32Array;
  /** In place of a mask, where an anchor sees all keys but one at most: the column of that one, −1 where it sees all. */
  readonly hidden?: Int32Array;
  readonly targets?: Float64Array;
}

export interface Selection {
  /** True when no block shows an anchor its own key. */
  readonly ownApart: boolean;
  readonly ownTarget?: Float64Array;
  /** Where the own key of every anchor stands among the columns of both blocks, the batch's first; behind them when it is apart. */
  readonly ownColumns: Int32Array;
  /** Rows of the batch as keys; `rows` undefined means all of them, in order. Undefined when no anchor sees any. */
  readonly batch?: SelectedBlock & { readonly rows?: Int32Array };
  /** Bank rows as keys, likewise. */
  readonly bank?: SelectedBlock & { readonly rows?: Int32Array };
  /** Candidates besides the own sample: 0 means that there is nothing to contrast with. */
  readonly candidates: number;
  /** How many negatives each anchor sees; undefined when all see every candidate. */
  readonly negatives?: Int32Array;
}

/** Keys are numbered: first the batch columns that are not in the bank, then the bank's rows. */
interface Candidates {
  readonly batchColumns: Int32Array;
  readonly total: number;
}

export function selectKeys(request: SelectionRequest): Selection {
  const { anchors, labels, bank, sampleIds } = request;
  const inBatch = bank ? bank.rowOfAnchor.reduce((count, row) => (row < 0 ? count + 1 : count), 0) : anchors;
  const total = inBatch + (bank?.size ?? 0);
  const unlimited = request.sampleSize >= total - 1;
  const repeated =
    bank?.groups !== undefined || (sampleIds !== undefined && inBatch > 0 && new Set(sampleIds).size < anchors);
  if (!labels && unlimited && !repeated && (inBatch === anchors || inBatch === 0)) {
    // Every anchor sees every key, its own among them, which one block holds for all: nothing to mask, nothing to mark.
    const { from, to } = request.range ?? { from: 0, to: anchors };
    return {
      ownApart: false,
      ownColumns: bank && inBatch === 0 ? bank.rowOfAnchor.subarray(from, to) : everyNumber(to - from, from),
      candidates: total - 1,
      ...(inBatch > 0 ? { batch: {} } : {}),
      ...(bank ? { bank: {} } : {}),
    };
  }
  const everyRow = everyNumber(anchors);
  const batchColumns = bank ? everyRow.filter((i) => bank.rowOfAnchor[i] < 0) : everyRow;
  const candidates: Candidates = { batchColumns, total };
  if (!labels && !unlimited && !repeated && request.draw !== 'anchor') {
    return sharedDraw(request, batchColumns, ownKeys(request, candidates));
  }
  return maskedSelection(request, candidates, { unlimited, repeated });
}

function maskedSelection(
  request: SelectionRequest,
  candidates: Candidates,
  { unlimited, repeated }: { unlimited: boolean; repeated: boolean },
): Selection {
  const { labels, bank, sampleIds } = request;
  const { from, to } = request.range ?? { from: 0, to: request.anchors };
  const anchors = Array.from({ length: to - from }, (_, k) => from + k);
  const { batchColumns, total } = candidates;
  const ownKey = ownKeys(request, candidates);
  const keyLabel = labels && keyLabels(request, candidates);
  const sameSample = (i: number, key: number): boolean => {
    if (key === ownKey[i]) return true;
    if (!repeated) return false;
    const group = bank?.groups?.ofAnchor[i] ?? -1;
    if (key < batchColumns.length) {
      const other = batchColumns[key];
      return (
        (sampleIds !== undefined && sampleIds[other] === sampleIds[i]) ||
        (group >= 0 && bank?.groups?.ofAnchor[other] === group)
      );
    }
    return group >= 0 && bank?.groups?.ofRow[key - batchColumns.length] === group;
  };
  const isNegative = (i: number, key: number): boolean =>
    !sameSample(i, key) && !(labels && keyLabel && (keyLabel[key] === labels[i] || keyLabel[key] < 0));

  const negatives = drawNegatives(request, anchors, {
    total,
    isNegative,
    unlimited,
  });
  const positives = anchors.map((i) => {
    if (!labels || !keyLabel || request.positives === 'instance') return [];
    const sameClass: number[] = [];
    // A repetition of the own sample is the own key once more, not another positive.
    for (let key = 0; key < total; key++) if (keyLabel[key] === labels[i] && !sameSample(i, key)) sameClass.push(key);
    return sameClass;
  });

  const columns = new Columns({ batch: request.anchors, bank: bank?.size ?? 0 }, batchColumns, [
    ...negatives,
    ...positives,
  ]);
  // Drawn keys need not hold every anchor's own; then own keys stand apart, for all anchors alike.
  const ownApart = anchors.some((i) => !columns.has(ownKey[i]));
  const withTargets = labels !== undefined && request.positives === 'class';
  const ownTarget = new Float64Array(anchors.length);
  const masks = columns.matrices(Float32Array, anchors.length);
  masks.batch.fill(Number.NEGATIVE_INFINITY);
  masks.bank.fill(Number.NEGATIVE_INFINITY);
  const targets = withTargets ? columns.matrices(Float64Array, anchors.length) : undefined;
  for (const [k, i] of anchors.entries()) {
    for (const key of negatives[k]) columns.set(masks, k, key, 0);
    const share = 1 / (1 + positives[k].length);
    ownTarget[k] = share;
    for (const key of ownApart ? positives[k] : [ownKey[i], ...positives[k]]) {
      columns.set(masks, k, key, 0);
      if (targets) columns.set(targets, k, key, share);
    }
  }
  const block = (which: Which): Selection[Which] => {
    if (columns.rows[which].length === 0) return undefined;
    return {
      mask: masks[which],
      ...(targets ? { targets: targets[which] } : {}),
      ...(columns.isWhole(which) ? {} : { rows: columns.rows[which] }),
    };
  };
  const repetitions = repeated ? batchColumns.length - new Set(batchColumns.map((i) => sampleIds?.[i] ?? i)).size : 0;
  const [inBatch, inBank] = [block('batch'), block('bank')];
  return {
    ownApart,
    candidates: total - repetitions - 1,
    negatives: Int32Array.from(negatives, (keys) => keys.length),
    ownColumns: Int32Array.from(anchors, (i) => (ownApart ? columns.count : columns.column(ownKey[i]))),
    ...(ownApart && withTargets ? { ownTarget } : {}),
    ...(inBatch ? { batch: inBatch } : {}),
    ...(inBank ? { bank: inBank } : {}),
  };
}

/** The keys that each of `anchors` sees as negatives. */
function drawNegatives(
  { seed, step, sampleSize, draw }: SelectionRequest,
  anchors: readonly number[],
  given: {
    readonly total: number;
    readonly isNegative: (anchor: number, key: number) => boolean;
    readonly unlimited: boolean;
  },
): Int32Array[] {
  const { total, isNegative, unlimited } = given;
  const purpose = drawPurpose(step);
  const limit = unlimited ? total : sampleSize;
  const found: Int32Array<ArrayBuffer> = new Int32Array(Math.min(limit, total));
  /** The first `limit` negatives of an order. A uniform order stays uniform when some keys are skipped. */
  const firstOf = (order: Iterable<number>, i: number): Int32Array => {
    let count = 0;
    for (const key of order) {
      if (count === limit) break;
      if (isNegative(i, key)) found[count++] = key;
    }
    return found.slice(0, count);
  };
  if (draw === 'anchor' && !unlimited) {
    return anchors.map((i) => firstOf(Random.forPurpose(seed, `${purpose} anchor ${i}`).permutation(total), i));
  }
  const order = everyNumber(total);
  if (!unlimited) Random.forPurpose(seed, purpose).shuffle(order);
  return anchors.map((i) => firstOf(order, i));
}

function ownKeys({ anchors, bank }: SelectionRequest, { batchColumns }: Candidates): Int32Array {
  const own = new Int32Array(anchors);
  if (bank) for (let i = 0; i < anchors; i++) own[i] = batchColumns.length + bank.rowOfAnchor[i];
  for (let key = 0; key < batchColumns.length; key++) own[batchColumns[key]] = key;
  return own;
}

function keyLabels({ labels, bank }: SelectionRequest, { batchColumns, total }: Candidates): Int32Array {
  const result = new Int32Array(total);
  for (let key = 0; key < batchColumns.length; key++) result[key] = (labels as Int32Array)[batchColumns[key]];
  if (bank) result.set(bank.labels as Int32Array, batchColumns.length);
  return result;
}
