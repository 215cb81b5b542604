/** A selection of keys as positives and negatives of triplets, over one list of keys: the batch's rows, then bank rows. */
import type { Selection } from './selection.ts';

export interface TripletKeys {
  /** [B, B + bank rows], 1 or 0. The own row of the batch is always a positive. */
  readonly positives: Float32Array;
  readonly negatives: Float32Array;
  /** Bank rows in use: undefined for all of them in order, empty for none. */
  readonly bankRows: Int32Array | undefined;
}

/**
 * @param anchors number of anchors B
 * @param bankSize rows of the bank; 0 without one
 * @param rowOfAnchor for every anchor the bank row that holds its sample, or −1: the same sample once more, neither positive nor
 *   negative
 */
export function tripletKeys(
  { batch, bank }: Selection,
  { anchors, bankSize, rowOfAnchor }: { anchors: number; bankSize: number; rowOfAnchor: ArrayLike<number> },
): TripletKeys {
  const bankRows = bank ? bank.rows : new Int32Array(0);
  const bankColumns = bankRows?.length ?? bankSize;
  const width = anchors + bankColumns;
  const positives = new Float32Array(anchors * width);
  const negatives = new Float32Array(anchors * width);
  const blocks = [
    { block: batch, columns: batch ? anchors : 0, offset: 0, own: (i: number, c: number) => i === c },
    {
      block: bank,
      columns: bank ? bankColumns : 0,
      offset: anchors,
      own: (i: number, c: number) => (bankRows?.[c] ?? c) === rowOfAnchor[i],
    },
  ];
  for (let i = 0; i < anchors; i++) {
    for (const { block, columns, offset, own } of blocks) {
      for (let c = 0; c < columns; c++) {
        const at = i * columns + c;
        if (own(i, c) || (block?.mask && block.mask[at] !== 0)) continue;
        (block?.targets && block.targets[at] > 0 ? positives : negatives)[i * width + offset + c] = 1;
      }
    }
    positives[i * width + i] = 1;
  }
  return { positives, negatives, bankRows };
}
