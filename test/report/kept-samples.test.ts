/** What is kept of some samples, and what is made of it: rows, neighbours, pairs, each against the plainest way to get it. */
import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { comparisonMaps } from '../../src/report/comparison-maps.ts';
import { formatRows, keptSamples, parseRows } from '../../src/report/comparison-samples.ts';
import { summarizeComparison } from '../../src/report/comparison-summary.ts';
import { neighbourExamples } from '../../src/report/neighbour-examples.ts';
import { shownRows, shownRuns, shownStudent } from '../../src/report/shown-runs.ts';
import { pairCosines } from '../../src/report/similarity-scatter.ts';
import { naiveCosine, naiveRanking, randomMatrix } from '../evaluation/naive.ts';
import { sampleComparison } from './sample-comparison.ts';

const cosine = (rows: Matrix, i: number, j: number): number => naiveCosine(rows.row(i), rows.row(j));
/** All others, nearest first. */
const ranked = (rows: Matrix, i: number): number[] =>
  naiveRanking(rows.row(i), rows).flatMap(({ row }) => (row === i ? [] : [row]));

describe('kept samples', () => {
  it('all of few, some of many, in order, and always the same', () => {
    expect([...keptSamples(3)]).toEqual([0, 1, 2]);
    expect(keptSamples(0)).toHaveLength(0);
    const some = keptSamples(3000);
    expect(new Set(some).size).toBe(500);
    expect([...some]).toEqual([...some].sort((a, b) => a - b));
    expect([Math.min(...some) >= 0, Math.max(...some) < 3000, some[499] > 2000]).toEqual([true, true, true]);
    expect(keptSamples(3000)).toEqual(some);
  });

  it('rows come back with their directions, to three digits; those of another run do not, and damaged ones are refused', () => {
    const rows = Matrix.from([[1e6, 0, 0], [3, 4, 0], [0, 0, 0], [1, -1, 1]]); // biome-ignore format: one line
    const content = formatRows(rows, { digest: 'a' });
    const read = (digest: string, samples = 4) => parseRows(content, { name: 'rows', owner: { digest }, samples });
    const back = read('a') as Matrix;
    expect([back.rows, back.columns]).toEqual([4, 3]);
    for (const [i, row] of [[1, 0, 0], [0.6, 0.8, 0], [0, 0, 0], [1, -1, 1].map((x) => x / Math.sqrt(3))].entries()) {
      for (const [k, x] of row.entries()) expect(Math.abs(back.row(i)[k] - x)).toBeLessThan(5e-4);
    }
    expect(read('b')).toBeUndefined();
    expect(() => read('a', 5)).toThrow(/rows: expected 5 rows/);
    expect(() => formatRows(Matrix.from([[Number.NaN]]), {})).toThrow(expect.objectContaining({ code: 'NON_FINITE' }));
  });
});

describe('what is shown', () => {
  const { record, results, samples } = sampleComparison(Array.from({ length: 30 }, (_, i) => `text ${i}`));
  const summaryOf = (some = results) => summarizeComparison({ record, results: some, scores: new Map() });

  it('the largest student, the baseline, and the best of the others that are trained, with the rows of one seed', () => {
    const shown = shownStudent(summaryOf());
    expect([shown?.student.name, shown?.metric.key, shown?.methods.map(({ name }) => name)]).toEqual([
      ...['large', 'recallAt1', ['cosine', 'bank-0.05']],
    ]);
    expect(shownRuns(record, shown).map(({ digest }) => digest)).toEqual([
      ...['cosine large 0', 'bank-0.05 large 0', 'cosine large 1', 'bank-0.05 large 1'],
    ]);
    expect(shownRows(record, shown as NonNullable<typeof shown>, samples)).toMatchObject([
      { method: { name: 'cosine' }, seed: 0 },
      { method: { name: 'bank-0.05' }, seed: 0 },
    ]);
  });

  it('the best is the least where less is better, and a metric that the baseline lacks decides nothing', () => {
    const lower = results.map((one) => ({
      ...one,
      metrics: { uniformity: -RANK[one.method] || 0, ...(one.method !== 'cosine' && { recallAt1: 1 }) },
    }));
    const { metrics: _, ...all } = record;
    const summary = summarizeComparison({ record: all, results: lower, scores: new Map() });
    const shown = shownStudent(summary);
    expect([shown?.metric.key, shown?.methods[1].name]).toEqual(['uniformity', 'bank-0.5']);
  });
  const RANK: Readonly<Record<string, number>> = { 'bank-0.5': 3, crd: 2, 'bank-0.1': 1, untrained: 9 };

  it('nothing before there is something to compare', () => {
    expect(shownStudent(summaryOf([]))).toBeUndefined();
    expect(shownRuns(record, undefined)).toEqual([]);
    expect(shownStudent(summaryOf(results.filter(({ method }) => method === 'cosine')))).toBeUndefined();
    const small = results.filter(({ student, method }) => student === 'small' || method === 'cosine');
    expect(shownStudent(summaryOf(small))?.student.name).toBe('small');
  });

  it('one map for what is in one space, another for what is not', () => {
    const shown = shownStudent(summaryOf()) as NonNullable<ReturnType<typeof shownStudent>>;
    const rows = shownRows(record, shown, samples);
    const panels = (changed: typeof rows) =>
      comparisonMaps(samples, changed)?.panels.map(({ title, apart = false, points }) => [title, apart, points.length]);
    expect(panels(rows)).toEqual([
      ...[
        ['Teacher', false, 30],
        ['cosine', false, 30],
        ['bank-0.05', false, 30],
      ],
    ]);
    const wider = { ...rows[1], rows: randomMatrix(new Random(1), 30, 7) };
    expect(panels([rows[0], wider])?.[2]).toEqual(['bank-0.05', true, 30]);
    const own = { ...rows[1], method: { ...rows[1].method, ownSpace: true } };
    expect(panels([rows[0], own])?.[2]).toEqual(['bank-0.05', true, 30]);
    expect(comparisonMaps({ ...samples, teacher: undefined }, rows)?.panels.map(({ apart }) => apart)).toEqual([
      true,
      true,
    ]);
    expect(comparisonMaps({ ...samples, texts: ['a', 'b'] }, rows)).toBeUndefined();
  });
});

describe('neighbours', () => {
  const teacher = randomMatrix(new Random(1), 40, 6);
  const noise = randomMatrix(new Random(2), 40, 6);
  const near = new Matrix(40, 6, teacher.data.map((x, k) => x + 0.3 * noise.data[k])); // biome-ignore format: one line
  const other = randomMatrix(new Random(3), 40, 9);

  it('are those of sorting all others; examples are disagreements, and their share is counted over all', () => {
    const { examples, agreement } = neighbourExamples(teacher, [near, other]);
    const agrees = (rows: Matrix, i: number) => ranked(rows, i)[0] === ranked(teacher, i)[0];
    const all = Array.from({ length: 40 }, (_, i) => i);
    expect(agreement).toEqual([near, other].map((rows) => all.filter((i) => agrees(rows, i)).length / 40));
    expect(examples).toHaveLength(8);
    for (const { sample, neighbours } of examples) {
      expect(agrees(near, sample) && agrees(other, sample)).toBe(false);
      for (const [place, rows] of [teacher, near, other].entries()) {
        expect(neighbours[place].map((one) => one.sample)).toEqual(ranked(rows, sample).slice(0, 3));
        for (const one of neighbours[place]) expect(one.cosine).toBeCloseTo(cosine(rows, sample, one.sample), 5);
      }
    }
  });

  it('of a student that agrees everywhere there are no examples', () => {
    expect(neighbourExamples(teacher, [teacher])).toEqual({ examples: [], agreement: [1] });
  });
});

describe('pairs', () => {
  it('are the same for both, with the cosine of each; near ones are each sample with its nearest by the teacher', () => {
    const [teacher, student] = [randomMatrix(new Random(4), 12, 5), randomMatrix(new Random(5), 12, 8)];
    const pairs = pairCosines(teacher, student);
    const drawn = pairs.filter(({ kind }) => kind === 'drawn');
    const every = Array.from({ length: 12 }, (_, i) => Array.from({ length: i }, (__, j) => [i, j] as const)).flat();
    // So few samples have fewer pairs than would be drawn: each is there once.
    const sorted = (values: number[]) => values.sort((a, b) => a - b);
    const plain = (rows: Matrix) => sorted(every.map(([i, j]) => cosine(rows, i, j)));
    for (const [k, value] of plain(teacher).entries())
      expect(sorted(drawn.map((p) => p.teacher))[k]).toBeCloseTo(value, 5);
    for (const [k, value] of plain(student).entries())
      expect(sorted(drawn.map((p) => p.student))[k]).toBeCloseTo(value, 5);
    const close = pairs.filter(({ kind }) => kind === 'near');
    expect(close).toHaveLength(12);
    for (const [i, pair] of close.entries()) {
      const [nearest] = ranked(teacher, i);
      expect(pair.teacher).toBeCloseTo(cosine(teacher, i, nearest), 5);
      expect(pair.student).toBeCloseTo(cosine(student, i, nearest), 5);
    }
    expect(pairCosines(randomMatrix(new Random(6), 500, 4), randomMatrix(new Random(7), 500, 4))).toHaveLength(1000);
  });
});
