// The obvious nested-loop forms that the tests hold the quick ones against.
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';

export function randomMatrix(random: Random, rows: number, columns: number, dtype: 'float32' | 'float64' = 'float32') {
  const matrix = Matrix.zeros(rows, columns, dtype);
  for (let k = 0; k < matrix.data.length; k++) matrix.data[k] = random.normal();
  return matrix;
}

export function naiveCosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let k = 0; k < a.length; k++) {
    dot += a[k] * b[k];
    aa += a[k] * a[k];
    bb += b[k] * b[k];
  }
  return aa === 0 || bb === 0 ? 0 : dot / Math.sqrt(aa * bb);
}

/** Every index row with its similarity to one query, most similar first; the sort is stable, so the first row wins ties. */
export function naiveRanking(query: ArrayLike<number>, index: Matrix): { row: number; score: number }[] {
  return Array.from({ length: index.rows }, (_, row) => ({ row, score: naiveCosine(query, index.row(row)) })).sort(
    (a, b) => b.score - a.score,
  );
}

/** `labels.length` rows scattered around a centre for each class, so that neighbours mean something. */
export function clusters(random: Random, labels: readonly number[], columns: number, noise: number): Matrix {
  const centres = randomMatrix(new Random(99), Math.max(...labels) + 1, columns);
  const rows = randomMatrix(random, labels.length, columns);
  for (let i = 0; i < rows.rows; i++) {
    for (let j = 0; j < columns; j++) {
      rows.data[i * columns + j] = centres.get(labels[i], j) + noise * rows.data[i * columns + j];
    }
  }
  return rows;
}
