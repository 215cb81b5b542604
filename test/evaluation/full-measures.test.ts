/** Which measures are taken of what is there; their values are the measures' own tests' business. */
import { expect, it } from 'vitest';
import { fullMeasures } from '../../src/evaluation/full-measures.ts';
import { neighbourOverlap } from '../../src/evaluation/neighbour-overlap.ts';
import { rankedRetrieval } from '../../src/evaluation/ranked-retrieval.ts';
import { everyNumber } from '../../src/matrix/every-number.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { clusters, randomMatrix } from './naive.ts';

const labels = everyNumber(120).map((i) => i % 6);
const rows = clusters(new Random(1), Array.from(labels), 8, 0.6);
const wider = randomMatrix(new Random(3), 120, 11);
const keys = async (task: Parameters<typeof fullMeasures>[0]) => Object.keys(await fullMeasures(task)).sort();

it('rows alone, with a teacher of any width, with labels', async () => {
  expect(await keys({ rows })).toEqual(['uniformity']);
  const agreement = ['linearCka', 'neighbourOverlap', 'similarityCorrelation', 'uniformity'];
  expect(await keys({ rows, teacher: wider })).toEqual(agreement);
  const found = await fullMeasures({ rows, labels, teacher: rows });
  expect(Object.keys(found).sort()).toEqual(
    [...agreement, 'classAlignment', 'classNdcgAt10', 'fewShot1Accuracy', 'fewShot5Accuracy', 'probeAccuracy']
      .concat('teacherNdcgAt10')
      .sort(),
  );
  expect(found).toMatchObject({ neighbourOverlap: 1, linearCka: expect.closeTo(1, 9) });
  expect(found.teacherNdcgAt10).toBe(found.classNdcgAt10);
  expect(found.probeAccuracy).toBeGreaterThan(0.8);
  expect(await keys({ rows, labels, teacher: wider })).not.toContain('teacherNdcgAt10');
});

it('one row; two rows; classes without a second row', async () => {
  expect(await fullMeasures({ rows: Matrix.from([[1, 0]]), labels: [0], teacher: Matrix.from([[1]]) })).toEqual({});
  const two = Matrix.from([[1, 0], [0, 1]]); // biome-ignore format: one line
  expect(await keys({ rows: two, labels: [0, 1], teacher: two })).toEqual([
    'linearCka',
    'neighbourOverlap',
    'probeAccuracy',
    'uniformity',
  ]);
});

it('shots as far as five classes have rows for them and for fifteen questions', async () => {
  const shots = async (size: number) => {
    const known = everyNumber(5 * size).map((i) => i % 5);
    const found = await keys({ rows: clusters(new Random(1), Array.from(known), 4, 0.6), labels: known });
    return found.filter((key) => key.startsWith('fewShot'));
  };
  expect(await shots(34)).toEqual(['fewShot1Accuracy', 'fewShot5Accuracy']);
  expect(await shots(35)).toEqual(['fewShot1Accuracy', 'fewShot20Accuracy', 'fewShot5Accuracy']);
});

it('of 5200 rows 5000 are compared with all', async () => {
  const [many, others] = [randomMatrix(new Random(5), 5200, 3), randomMatrix(new Random(6), 5200, 2)];
  const found = await fullMeasures({ rows: many, teacher: others });
  const numbers = Random.forPurpose(0, 'evaluated samples').sample(5200, 5000).sort();
  expect(found.neighbourOverlap).toBe(neighbourOverlap(many, others, { numbers }));
  expect(numbers[4999]).toBeGreaterThan(5100);
  const own = { queryLabels: [0], indexLabels: new Int32Array(5200) };
  expect(rankedRetrieval({ queries: many.gather([7]), index: many, relevance: own, own: [7] }).ndcgAt[10]).toBe(1);
}, 60_000);
