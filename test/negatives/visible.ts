/** Reads a selection back: what every anchor sees, by sample, without knowing how the blocks are laid out in the graph. */
import type { Selection, SelectionRequest } from '../../src/negatives/selection.ts';

export interface Visible {
  /** Keys that the anchor sees in the blocks: `batch 3` is row 3 of the batch, `bank 7` row 7 of the bank. */
  readonly keys: Set<string>;
  /** Targets that are not 0, by the same names; the own key's under `own` when it stands apart. */
  readonly targets: Map<string, number>;
}

export function visible(selection: Selection, { anchors, bank, range }: SelectionRequest): Visible[] {
  const result = Array.from({ length: range ? range.to - range.from : anchors }, () => ({
    keys: new Set<string>(),
    targets: new Map<string, number>(),
  }));
  const all = (size: number) => Int32Array.from({ length: size }, (_, row) => row);
  const rows = { batch: selection.batch?.rows ?? all(anchors), bank: selection.bank?.rows ?? all(bank?.size ?? 0) };
  for (const which of ['batch', 'bank'] as const) {
    const block = selection[which];
    if (!block) continue;
    for (const [i, { keys, targets }] of result.entries()) {
      for (let column = 0; column < rows[which].length; column++) {
        const name = `${which} ${rows[which][column]}`;
        const place = i * rows[which].length + column;
        const mask = block.mask ? block.mask[place] : 0;
        if (mask === 0 && block.hidden?.[i] !== column) keys.add(name);
        else if (mask !== 0 && mask !== Number.NEGATIVE_INFINITY) throw new Error(`mask: 0 or −∞, got ${mask}`);
        if (block.targets && block.targets[place] !== 0) targets.set(name, block.targets[place]);
      }
    }
  }
  if (selection.ownTarget) for (const [i, { targets }] of result.entries()) targets.set('own', selection.ownTarget[i]);
  return result;
}
