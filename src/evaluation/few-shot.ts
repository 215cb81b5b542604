/** Few-shot classification: what features are worth where a handful of samples has a label. */
import { LimbeckError } from '../errors.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { Random } from '../matrix/random.ts';
import { unitRows } from '../matrix/unit-rows.ts';
import { assertOneEach, assertWhole } from './checks.ts';
import { LogisticRegression, predictClasses } from './logistic-regression.ts';
import { normalQuantile } from './normal-distribution.ts';
import { summary } from './summary.ts';

export interface FewShotTask {
  /** n × d, rows of any length; they are scaled to length one. */
  readonly rows: Matrix;
  /** n class numbers. */
  readonly labels: ArrayLike<number>;
  /** Classes an episode. Default 5. */
  readonly ways?: number;
  /** Labelled rows a class. Default 1. */
  readonly shots?: number;
  /** Rows a class to be classified. Default 15. */
  readonly queries?: number;
  /** Default 600. */
  readonly episodes?: number;
  /** The same seed, and the same labels, give the same episodes, whatever the rows. Default 0. */
  readonly seed?: number;
  /** `centroid` (default): the class whose labelled rows' mean is nearest; `logistic`: logistic regression with c = 1. */
  readonly classifier?: 'centroid' | 'logistic';
}

export interface FewShotResult {
  /** Mean over episodes. */
  readonly accuracy: number;
  /** The 95 % interval of that mean over the choice of episodes: ± 1.96 standard errors. */
  readonly low: number;
  readonly high: number;
  readonly episodes: number;
}

/**
 * The mean accuracy of N-way K-shot episodes. Each draws its classes, of those with enough rows, and from each class different rows to
 * learn from and to be classified. Episodes may share rows, so that the interval is about the draw of episodes, not about other data.
 *
 * @throws LimbeckError SHAPE_MISMATCH; EMPTY_BATCH where fewer than `ways` classes have shots + queries rows; NON_FINITE; INVALID_ARGUMENT
 * @source Vinyals et al., "Matching Networks for One Shot Learning", 2016; Snell et al., "Prototypical Networks for Few-shot Learning",
 *   2017; Tian et al., "Rethinking Few-Shot Image Classification", 2020 (the logistic classifier)
 *
 * @example
 * const rows = Matrix.from([[1, 0], [1, 0.1], [0, 1], [0.1, 1]]);
 * await fewShot({ rows, labels: [0, 0, 1, 1], ways: 2, shots: 1, queries: 1 }); // { accuracy: 1, low: 1, high: 1, episodes: 600 }
 */
export async function fewShot(task: FewShotTask): Promise<FewShotResult> {
  const { labels, ways = 5, shots = 1, queries = 15, episodes = 600, seed = 0, classifier = 'centroid' } = task;
  for (const [name, value, least] of [
    ['ways', ways, 2],
    ['shots', shots, 1],
    ['queries', queries, 1],
  ] as const) {
    assertWhole('fewShot', name, value, least);
  }
  assertWhole('fewShot', 'episodes', episodes, 2);
  assertWhole('fewShot', 'seed', seed, 0);
  assertOneEach('fewShot', task.rows.rows, 'label', labels.length);
  const rows = unitRows(task.rows, 'fewShot, rows');
  const classes = classesOf(labels).filter((numbers) => numbers.length >= shots + queries);
  if (classes.length < ways) {
    throw new LimbeckError(
      'EMPTY_BATCH',
      `fewShot: expected at least ${ways} classes with ${shots} + ${queries} rows each, got ${classes.length}. ` +
        'Ask for fewer ways or queries.',
    );
  }
  const random = Random.forPurpose(seed, 'episodes');
  const regression = classifier === 'logistic' ? await LogisticRegression.open() : undefined;
  try {
    const accuracies: number[] = [];
    for (let episode = 0; episode < episodes; episode++) {
      const drawn = Array.from(random.sample(classes.length, ways), (c) =>
        Array.from(random.sample(classes[c].length, shots + queries), (place) => classes[c][place]),
      );
      const [support, supportLabels] = flattened(drawn.map((numbers) => numbers.slice(0, shots)));
      const [asked, askedLabels] = flattened(drawn.map((numbers) => numbers.slice(shots)));
      const known = rows.gather(support);
      const unknown = rows.gather(asked);
      const found = regression
        ? predictClasses(await regression.fit(known, supportLabels), unknown)
        : nearestCentroids(known, supportLabels, unknown);
      accuracies.push(found.filter((way, i) => way === askedLabels[i]).length / asked.length);
    }
    const { mean, standardDeviation } = summary(accuracies);
    const half = (normalQuantile(0.975) * (standardDeviation as number)) / Math.sqrt(episodes);
    return { accuracy: mean, low: mean - half, high: mean + half, episodes };
  } finally {
    await regression?.release();
  }
}

/**
 * The class whose mean row is nearest by Euclidean distance; of equally near ones the lowest number.
 *
 * @param known n × d
 * @param labels n class numbers in 0 … classes − 1, each there at least once
 * @param unknown m × d
 */
export function nearestCentroids(known: Matrix, labels: ArrayLike<number>, unknown: Matrix): Int32Array {
  const width = known.columns;
  const counts: number[] = [];
  const means: Float64Array[] = [];
  for (let i = 0; i < known.rows; i++) {
    counts[labels[i]] = (counts[labels[i]] ?? 0) + 1;
    means[labels[i]] ??= new Float64Array(width);
    for (let k = 0; k < width; k++) means[labels[i]][k] += known.data[i * width + k];
  }
  for (const [c, mean] of means.entries()) for (let k = 0; k < width; k++) mean[k] /= counts[c];
  return Int32Array.from({ length: unknown.rows }, (_, i) => {
    const row = unknown.row(i);
    const distances = means.map((mean) => mean.reduce((sum, value, k) => sum + (value - row[k]) ** 2, 0));
    return distances.indexOf(Math.min(...distances));
  });
}

/** The numbers of each class, classes ascending. */
function classesOf(labels: ArrayLike<number>): number[][] {
  const classes = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const numbers = classes.get(labels[i]);
    if (numbers) numbers.push(i);
    else classes.set(labels[i], [i]);
  }
  return [...classes].sort(([a], [b]) => a - b).map(([, numbers]) => numbers);
}

/** All numbers, and beside each the place of its list. */
function flattened(lists: readonly (readonly number[])[]): [number[], number[]] {
  return [lists.flat(), lists.flatMap((numbers, place) => numbers.map(() => place))];
}
