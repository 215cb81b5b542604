// What the suite "losses" measures, and how many floating-point operations each configuration cannot do without.
import { NODE_PEERS } from './peers.mjs';

/** Batch sizes. */
const BATCHES = [256, 1024, 4096, 8192, 16384, 65536];

/**
 * FLOP, a multiply-add counted as two, are those of necessary matrix products. Everything else (norms, exponentials, reductions) is
 * left out, and so are products that are computed twice, which would otherwise look like speed.
 *
 * `products`: necessary products of B·B·D multiply-adds. Two for softmax and logistic losses: the logits, and the gradient's weights
 * times the keys; both directions of a loss share them, being one matrix and its transpose. One for hard triplets: the distances.
 * `peerArrays`: B × B arrays that PyTorch holds at its peak.
 */
const MODES = {
  ntxent: { options: { mode: 'ntxent' }, products: 2, peerArrays: 3 },
  infonce: { options: { mode: 'infonce' }, products: 2, peerArrays: 3 },
  symmetric: { options: { mode: 'ntxent', symmetric: true }, products: 2, peerArrays: 6 },
  triplet: { options: { mode: 'triplet', mining: 'hard' }, products: 1, peerArrays: 2 },
  crd: { options: { mode: 'crd', projection: 'none', positives: 'instance' }, products: 2, peerArrays: 5 },
};

/** Rows of the small batch that is evaluated first: it sets the normalizer of mode 'crd', on both sides. */
const FIRST_ROWS = 8;

export const MODE_NAMES = Object.keys(MODES);

/** What the peers in JavaScript are asked for, and bytes for each pair of rows that they hold in WebAssembly's memory at their peak. */
const NODE_FORMS = ['matmul', 'ntxent'];
const NODE_ARRAYS = 4 * 6;

const BANK_STEP = { batch: 64, width: 128, negatives: 16384, samples: 50_000 };

/** The formulas in words, for the reader of the table. */
export const FLOP_NOTE =
  'FLOP: necessary matrix products only. matmul and triplet (hard): 2·B²·D; ntxent, infonce, symmetric and crd: 4·B²·D; crd bank: ' +
  '8·B·(K+1)·D with K = 16,384 of M = 50,000 bank rows, without the heads.';

/** Matrix products alone, [B, B] · [B, D]: the yardstick of every share of the peak. */
export function matmulConfigurations(dims) {
  return [[2048, 2048], ...dims.map((width) => [4096, width])].map(([batch, width]) => ({
    ...square('matmul', batch, width, 1, 1),
    kind: 'matmul',
  }));
}

/**
 * Every configuration in order: { name, kind, batch, width, flop, peers }, and what its kind needs.
 * `peers`: as which side of the result and in which form a peer runs it, the bytes that it needs, and whether its loss is the same
 * number.
 */
export function lossConfigurations({ modes, dims, maxBatch }) {
  const batches = BATCHES.filter((batch) => batch <= maxBatch);
  const losses = modes.flatMap((mode) => {
    const { options, products, peerArrays } = MODES[mode];
    return dims.flatMap((width) =>
      batches.map((batch) => ({
        ...square(mode, batch, width, products, peerArrays),
        kind: 'loss',
        options,
        firstRows: FIRST_ROWS,
      })),
    );
  });
  return [...matmulConfigurations(dims), ...losses, ...(modes.includes('crd') ? [bankStep()] : [])];
}

/** A batch against itself. */
function square(name, batch, width, products, peerArrays) {
  return {
    name,
    batch,
    width,
    flop: 2 * products * batch ** 2 * width,
    peers: [
      { side: 'torch', form: name, bytes: 4 * peerArrays * batch ** 2, comparable: true },
      ...(NODE_FORMS.includes(name)
        ? Object.keys(NODE_PEERS).map((side) => ({
            side,
            form: name,
            bytes: NODE_ARRAYS * batch ** 2,
            comparable: true,
          }))
        : []),
    ],
  };
}

/** The CRD step over momentum banks. PyTorch draws other negatives and starts from other heads, so losses differ. */
function bankStep() {
  const { batch, width, negatives } = BANK_STEP;
  const gathered = 4 * batch * (negatives + 1) * width;
  return {
    name: 'crd bank',
    kind: 'bank step',
    ...BANK_STEP,
    flop: 8 * batch * (negatives + 1) * width,
    peers: [
      { side: 'torch', form: 'authors', bytes: 2 * gathered, comparable: false },
      { side: 'shared', form: 'shared', bytes: gathered, comparable: false },
    ],
  };
}
