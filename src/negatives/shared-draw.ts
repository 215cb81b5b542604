/**
 * The draw that a batch shares where an anchor's own key is the only one that is not its negative: K + 1 keys, of which every anchor
 * sees all but one, its own or else the last. What `selection.ts` does key by key for labels and repetitions is then one entry an anchor.
 */
import { Random } from '../matrix/random.ts';
import { Columns } from './columns.ts';
import type { Selection, SelectionRequest } from './selection.ts';

/** The stream of random numbers that negatives of a step are drawn from. */
export const drawPurpose = (step: number): string => `negatives ${step}`;

/**
 * @param batchColumns the rows of the batch that are keys; keys are numbered, these first, then the bank's rows
 * @param ownKey the key of every anchor's own sample
 */
export function sharedDraw(
  { anchors, bank, range, sampleSize, seed, step }: SelectionRequest,
  batchColumns: Int32Array,
  ownKey: Int32Array,
): Selection {
  const { from, to } = range ?? { from: 0, to: anchors };
  const total = batchColumns.length + (bank?.size ?? 0);
  const drawn = Random.forPurpose(seed, drawPurpose(step)).sample(total, sampleSize + 1);
  const last = drawn[sampleSize];
  const isDrawn = new Uint8Array(total);
  for (let k = 0; k < sampleSize; k++) isDrawn[drawn[k]] = 1;
  // An anchor whose own key is among the first K sees the last one in its place.
  const own = ownKey.subarray(from, to);
  const seesLast = own.map((key) => isDrawn[key]);
  const hidden = own.map((key, k) => (seesLast[k] ? key : last));
  const [alone] = own;
  const firstKeys = drawn.subarray(0, sampleSize);
  // Nobody sees the own key of a single anchor.
  const first = own.every((key) => key === alone) ? firstKeys.filter((key) => key !== alone) : firstKeys;
  const used = seesLast.includes(1) ? [first, [last]] : [first];
  const columns = new Columns({ batch: anchors, bank: bank?.size ?? 0 }, batchColumns, used);
  // Drawn keys need not hold every anchor's own; then own keys stand apart, for all anchors alike.
  const ownApart = own.some((key) => !columns.has(key));
  const block = (which: 'batch' | 'bank'): Selection['bank'] => {
    const rows = columns.rows[which];
    if (rows.length === 0) return undefined;
    const notSeen = own.map((key, k) => (!ownApart && hidden[k] === key ? -1 : columns.columnIn(which, hidden[k])));
    return { hidden: notSeen, ...(columns.isWhole(which) ? {} : { rows }) };
  };
  const [inBatch, inBank] = [block('batch'), block('bank')];
  return {
    ownApart,
    ownColumns: own.map((key) => (ownApart ? columns.count : columns.column(key))),
    candidates: total - 1,
    negatives: new Int32Array(own.length).fill(sampleSize),
    ...(inBatch ? { batch: inBatch } : {}),
    ...(inBank ? { bank: inBank } : {}),
  };
}
