/** Random settings in which a batch can be evaluated in tiles: every mode with everything that goes together with it. */
import fc from 'fast-check';
import type { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { unitRows } from '../../src/matrix/unit-rows.ts';
import type { KeyBank } from '../../src/negatives/key-bank.ts';
import { KeyQueue } from '../../src/negatives/key-queue.ts';
import { MomentumBanks } from '../../src/negatives/momentum-banks.ts';
import type { AnchorRange } from '../../src/negatives/selection.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import type { ConcreteBatch } from '../../src/strategies/batch.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { TileSweep } from '../../src/strategies/tile-sweep.ts';
import { randomLabels, randomMatrix } from './support.ts';

export const FORMS = {
  'NT-Xent': { mode: 'ntxent' },
  InfoNCE: { mode: 'infonce' },
  'NT-Xent, symmetric': { mode: 'ntxent', symmetric: true },
  'triplet, hard': { mode: 'triplet', mining: 'hard' },
  'triplet, semihard': { mode: 'triplet', mining: 'semihard' },
  'triplet, all': { mode: 'triplet', mining: 'all' },
  CRD: { mode: 'crd' },
} as const;
export type Form = keyof typeof FORMS;

/** Numbers and choices; {@link settle} makes them fit each other. */
export interface Choice {
  readonly seed: number;
  readonly rows: number;
  readonly width: number;
  readonly teacherWidth: number;
  readonly bankSize: number;
  /** Anchors in a tile, below `rows`. */
  readonly tile: number;
  readonly labels: 'none' | 'class' | 'instance';
  readonly negatives: 'all' | 'sampled' | 'own draws';
  readonly bank: 'none' | 'teacher' | 'momentum' | 'queue';
  readonly projection: 'none' | 'student' | 'both';
  readonly soft: boolean;
  /** Whether samples have numbers; one of them comes twice where the batch has room. */
  readonly numbered: boolean;
}

export const choices: fc.Arbitrary<Choice> = fc
  .record({ rows: fc.integer({ min: 2, max: 9 }), bankSize: fc.integer({ min: 1, max: 9 }) })
  .chain(({ rows, bankSize }) =>
    fc.record({
      seed: fc.integer({ min: 0, max: 1e6 }),
      rows: fc.constant(rows),
      bankSize: fc.constant(bankSize),
      width: fc.integer({ min: 2, max: 5 }),
      teacherWidth: fc.integer({ min: 2, max: 5 }),
      tile: fc.integer({ min: 1, max: rows - 1 }),
      labels: fc.constantFrom('none' as const, 'class' as const, 'instance' as const),
      negatives: fc.constantFrom('all' as const, 'sampled' as const, 'own draws' as const),
      bank: fc.constantFrom('none' as const, 'teacher' as const, 'momentum' as const, 'queue' as const),
      projection: fc.constantFrom('none' as const, 'student' as const, 'both' as const),
      soft: fc.boolean(),
      numbered: fc.boolean(),
    }),
  );

export interface Setting {
  readonly choice: Choice;
  readonly batch: ConcreteBatch;
  /** A strategy that has seen nothing yet; both kinds have equal heads, banks and draws. */
  strategy(kind: 'whole' | 'in tiles'): ContrastiveDistillationStrategy;
}

const HEADS = 3;

/** The setting of a choice, with what does not go together changed. */
export function settle(form: Form, given: Choice, dtype: 'float32' | 'float64'): Setting {
  const { mode } = FORMS[form];
  const choice = { ...given };
  if (form === 'InfoNCE') choice.bank = 'none';
  if (choice.bank === 'teacher' && choice.projection === 'both') choice.projection = 'student';
  if (choice.bank === 'momentum') choice.numbered = true;
  if (mode === 'triplet' || mode === 'crd') choice.soft = false;
  if (choice.soft && choice.labels === 'class') choice.labels = 'instance';
  if (choice.projection === 'none') choice.teacherWidth = choice.width;
  const { rows, width, teacherWidth, bankSize, projection } = choice;
  const random = new Random(choice.seed);
  const student = randomMatrix(random, rows, width);
  const teacher = randomMatrix(random, rows, teacherWidth);
  if (mode !== 'triplet') student.row(random.integer(rows)).fill(0);

  const compared = { none: width, student: teacherWidth, both: HEADS }[projection];
  const samples = rows + bankSize;
  const sampleIds = random.sample(samples, rows);
  if (rows > 2) sampleIds[0] = sampleIds[rows - 1];
  const classes = randomLabels(random, samples, 3);
  const bankRows = randomMatrix(random, bankSize, compared);
  if (choice.bank === 'teacher') {
    for (const [i, sample] of sampleIds.entries()) if (sample < bankSize) bankRows.row(sample).set(teacher.row(i));
  }
  const bank = (): KeyBank | undefined => {
    const labels = choice.labels === 'none' ? {} : { labels: classes.slice(0, bankSize) };
    if (choice.bank === 'teacher') return new TeacherBank(bankRows, labels);
    if (choice.bank === 'momentum') {
      return new MomentumBanks({
        samples,
        dimension: compared,
        seed: choice.seed,
        ...(choice.labels !== 'none' && { labels: classes }),
      });
    }
    if (choice.bank === 'none') return undefined;
    const queue = new KeyQueue({ capacity: bankSize, dimension: compared });
    const unit = unitRows(bankRows, 'queue');
    const numbers = Int32Array.from({ length: bankSize }, (_, k) => k);
    queue.takeIn({ student: unit, teacher: unit, sampleIds: numbers, classIndices: labels.labels });
    return queue;
  };
  const keys = rows + { none: 0, teacher: bankSize, momentum: samples, queue: bankSize }[choice.bank];
  const drawn = 1 + (choice.seed % 4);
  const shared = choice.negatives === 'sampled' && choice.labels === 'none';
  const perAnchor =
    mode === 'triplet' ? (form === 'triplet, hard' ? keys : keys * keys) : shared ? Math.min(keys, drawn + 1) : keys;
  return {
    choice,
    batch: {
      layers: new Map([['embeddings', { student: student.as(dtype), teacher: teacher.as(dtype) }]]),
      labels: choice.labels === 'none' ? undefined : sampleIds.map((sample) => classes[sample]),
      sampleIds: choice.numbered ? sampleIds : undefined,
      step: choice.seed % 5,
    },
    strategy(kind) {
      const strategy = new ContrastiveDistillationStrategy({
        ...FORMS[form],
        contrastiveWeight: 0.7,
        temperature: 0.3,
        margin: 0.5,
        positives: choice.labels === 'none' ? 'class' : choice.labels,
        negativesSampleSize: choice.negatives === 'all' ? 1024 : drawn,
        negativesDraw: choice.negatives === 'own draws' ? 'anchor' : 'batch',
        targets: choice.soft ? 'teacher' : 'sample',
        projection,
        projectionDimension: HEADS,
        seed: choice.seed % 7,
        // What is left over of a tile's logits does not make another anchor.
        maxLogits: kind === 'whole' ? 2 ** 23 : perAnchor * choice.tile + (choice.seed % perAnchor),
      });
      strategy.bank = bank();
      return strategy;
    },
  };
}

/** Some outputs for a batch. */
export function outputsOf(rows: number, classes: number, seed: number): { student: Matrix; teacher: Matrix } {
  const random = new Random(seed);
  return { student: randomMatrix(random, rows, classes), teacher: randomMatrix(random, rows, classes) };
}

/** Notes the tiles of the first part of a loss. */
export async function watchingTiles<T>(run: (tiles: AnchorRange[]) => Promise<T>): Promise<T> {
  const tiles: AnchorRange[] = [];
  const original = TileSweep.prototype.add;
  TileSweep.prototype.add = function (p, part, data, range, factor) {
    if (p === 0) tiles.push(range);
    return original.call(this, p, part, data, range, factor);
  };
  try {
    return await run(tiles);
  } finally {
    TileSweep.prototype.add = original;
  }
}
