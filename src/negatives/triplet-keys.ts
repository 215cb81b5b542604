/** A selection of keys as positives and negatives of triplets, over one list of keys: the batch's rows, then bank rows. */
import type { AnchorRange, Selection } from './selection.ts';

export interface TripletKeys {
  /** [anchors, B + bank rows], 1 or 0. The own row of the batch is always a positive. */
  readonly positives: Float32Array;
  readonly negatives: Float32Array;
  /** Bank rows in use: undefined for all of them in order, empty for none. */
  readonly bankRows: Int32Array | undefined;
}

export interface TripletRequest {
  /** Number of rows of the batch, B. */
  readonly batch: number;
  /** The anchors at hand. */
  readonly range: AnchorRange;
  /** Rows of the bank; 0 without one. */
  readonly bankSize: number;
  /** For every row of the batch the bank row that holds its sample, or −1: the same sample once more, neither positive nor negative. */
  readonly rowOfAnchor: ArrayLike<number>;
}

/** @returns row-major [anchors at hand, B + bank rows] */
export function tripletKeys(
  selection: Selection,
  { batch, range, bankSize, rowOfAnchor }: TripletRequest,
): TripletKeys {
  const bankRows = selection.bank ? selection.bank.rows : new Int32Array(0);
  const bankColumns = bankRows?.length ?? bankSize;
  const anchors = range.to - range.from;
  const width = batch + bankColumns;
  const positives = new Float32Array(anchors * width);
  const negatives = new Float32Array(anchors * width);
  const inBatch = selection.batch?.rows;
  const blocks = [
    {
      block: selection.batch,
      columns: inBatch?.length ?? (selection.batch ? batch : 0),
      place: (c: number) => inBatch?.[c] ?? c,
      own: (i: number, c: number) => (inBatch?.[c] ?? c) === i,
    },
    {
      block: selection.bank,
      columns: selection.bank ? bankColumns : 0,
      place: (c: number) => batch + c,
      own: (i: number, c: number) => (bankRows?.[c] ?? c) === rowOfAnchor[i],
    },
  ];
  for (let k = 0; k < anchors; k++) {
    for (const { block, columns, place, own } of blocks) {
      for (let c = 0; c < columns; c++) {
        const at = k * columns + c;
        if (own(range.from + k, c) || (block?.mask && block.mask[at] !== 0) || block?.hidden?.[k] === c) continue;
        (block?.targets && block.targets[at] > 0 ? positives : negatives)[k * width + place(c)] = 1;
      }
    }
    positives[k * width + range.from + k] = 1;
  }
  return { positives, negatives, bankRows };
}
