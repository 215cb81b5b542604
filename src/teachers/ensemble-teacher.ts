/**
 * Several teachers as one. Rows of each member are scaled to length one first, so that none counts more for being longer; weights
 * say which is to count more. Not trained: the rows are a fixed function of the members'.
 */
import * as z from 'zod';
import { sha256 } from '#digest';
import type { Dataset } from '../data/dataset.ts';
import { LimbeckError, show } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import { Random } from '../matrix/random.ts';
import { unitRows } from '../matrix/unit-rows.ts';
import { parseOptions } from '../strategies/options.ts';
import type { EmbedOptions, Teacher } from './teacher.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const ensembleTeacherOptionsSchema = z.object({
  combine: z
    .enum(['mean', 'concatenate'])
    .default('concatenate')
    .describe("'mean' or 'concatenate': members of one width and one space, or any members"),
  weights: z.array(z.number().positive()).optional().describe('an array of numbers > 0, one for each teacher'),
  dimension: z.int().min(1).optional().describe('a whole number ≥ 1: the width that the concatenation is projected to'),
  seed: z.int().min(0).default(0).describe('a whole number ≥ 0: which projection'),
});

export type EnsembleTeacherOptions = z.input<typeof ensembleTeacherOptionsSchema>;

/**
 * - `mean`: the weighted mean of the members' unit rows, scaled to length one: for members that share a space, such as one model
 *   in several versions.
 * - `concatenate`: the members' unit rows one after another, member m times √(w_m / Σ w). Rows have length one, and the cosine of two
 *   rows is the weighted mean of the members' cosines. As wide as all members together: a strategy with `projection: 'student'` brings a
 *   narrower student there, or `dimension` makes the rows narrower.
 *
 * `dimension` projects the concatenation of width n onto k seeded orthonormal directions and scales by √(n/k), which keeps inner
 * products in expectation (Johnson & Lindenstrauss 1984; Dasgupta & Gupta 2003); rows are not scaled to length one again. An
 * inner product of two unit rows moves by about 1/√k: with k = 256, nine in ten by less than 0.1. Where k ≥ n, directions are kept
 * exactly and nothing is lost.
 *
 * @example
 * const teacher = new EnsembleTeacher([first, second], { combine: 'concatenate', weights: [2, 1], dimension: 256 });
 */
export class EnsembleTeacher<Input = string> implements Teacher<Input> {
  readonly teachers: readonly Teacher<Input>[];
  readonly fingerprint: string;
  readonly dimension: number;
  /** Options, for fingerprints. */
  readonly #how: string;
  readonly #combine: 'mean' | 'concatenate';
  /** What each member's unit rows are multiplied by. */
  readonly #factors: readonly number[];
  /** [dimension, width] */
  readonly #projection: Matrix | undefined;

  /** @throws LimbeckError INVALID_OPTION for no members, members of different widths for a mean, weights that do not fit */
  constructor(teachers: readonly Teacher<Input>[], options: EnsembleTeacherOptions = {}) {
    const { combine, weights, dimension, seed } = parseOptions(
      ensembleTeacherOptionsSchema,
      options,
      'EnsembleTeacher',
    );
    if (!Array.isArray(teachers) || teachers.length === 0) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `EnsembleTeacher: expected at least one teacher, got ${show(teachers)}.`,
      );
    }
    const widths = teachers.map((teacher) => teacher.dimension);
    if (combine === 'mean' && new Set(widths).size > 1) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `EnsembleTeacher: expected teachers of one width for a mean, got ${widths.join(', ')}. Take combine: 'concatenate'.`,
      );
    }
    if (combine === 'mean' && dimension !== undefined) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `EnsembleTeacher: option dimension: expected it with combine: 'concatenate' only, got ${dimension} with 'mean'.`,
      );
    }
    if (weights && weights.length !== teachers.length) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `EnsembleTeacher: option weights: expected one for each of ${teachers.length} teachers, got ${weights.length}.`,
      );
    }
    const used = weights ?? teachers.map(() => 1);
    const total = used.reduce((sum, weight) => sum + weight, 0);
    const width = combine === 'mean' ? widths[0] : widths.reduce((sum, w) => sum + w, 0);
    this.teachers = [...teachers];
    this.#combine = combine;
    this.#factors = used.map((weight) => (combine === 'mean' ? weight / total : Math.sqrt(weight / total)));
    this.#projection = dimension === undefined ? undefined : orthonormalProjection(dimension, width, seed);
    this.dimension = dimension ?? width;
    const projected = dimension === undefined ? '' : ` projected to ${dimension} by seed ${seed}`;
    this.#how = `ensemble/1 ${combine} weights ${used.join(',')}${projected} members`;
    this.fingerprint = this.#fingerprintOf(teachers.map(({ fingerprint }) => fingerprint));
  }

  fingerprintFor(data: Dataset<Input>): string {
    return this.#fingerprintOf(this.teachers.map((teacher) => teacher.fingerprintFor?.(data) ?? teacher.fingerprint));
  }

  /**
   * @throws LimbeckError SHAPE_MISMATCH and NON_FINITE for a member's rows, naming it. Errors of members pass through
   */
  async embed(inputs: readonly Input[], options: EmbedOptions<Input> = {}): Promise<Matrix> {
    const rows: Matrix[] = [];
    // One after another: each member uses the whole machine as it is.
    for (const [m, teacher] of this.teachers.entries()) {
      const given = await teacher.embed(inputs, options);
      if (given.rows !== inputs.length || given.columns !== teacher.dimension) {
        throw new LimbeckError(
          'SHAPE_MISMATCH',
          `EnsembleTeacher: member ${m}: expected ${inputs.length} rows of ${teacher.dimension}, got ${given.rows} × ${given.columns}.`,
        );
      }
      rows.push(unitRows(given.as('float32'), `EnsembleTeacher: member ${m}`));
    }
    if (this.#combine === 'mean') return unitRows(this.#mean(rows, inputs.length), 'EnsembleTeacher');
    const joined = this.#joined(rows, inputs.length);
    return this.#projection ? projected(joined, this.#projection) : joined;
  }

  /** Frees what the members hold. */
  async release(): Promise<void> {
    for (const teacher of this.teachers) await teacher.release?.();
  }

  #fingerprintOf(members: readonly string[]): string {
    return `${this.#how} ${sha256().update(JSON.stringify(members)).hex()}`;
  }

  #mean(members: readonly Matrix[], count: number): Matrix {
    const result = Matrix.zeros(count, this.dimension);
    for (const [m, { data }] of members.entries()) {
      for (let k = 0; k < data.length; k++) result.data[k] += this.#factors[m] * data[k];
    }
    return result;
  }

  #joined(members: readonly Matrix[], count: number): Matrix {
    const width = members.reduce((sum, { columns }) => sum + columns, 0);
    const result = Matrix.zeros(count, width);
    let column = 0;
    for (const [m, { data, columns }] of members.entries()) {
      for (let i = 0; i < count; i++) {
        for (let j = 0; j < columns; j++) {
          result.data[i * width + column + j] = this.#factors[m] * data[i * columns + j];
        }
      }
      column += columns;
    }
    return result;
  }
}

/** Orthonormal directions (all of them where there are fewer rows than asked for), scaled so that lengths are kept in expectation. */
function orthonormalProjection(dimension: number, width: number, seed: number): Matrix {
  const random = Random.forPurpose(seed, `ensemble projection ${dimension} × ${width}`);
  // Of the tall of the two shapes, the short side is made orthonormal.
  const [count, length] = dimension <= width ? [dimension, width] : [width, dimension];
  const basis = Array.from({ length: count }, () => Float64Array.from({ length }, () => random.normal()));
  for (const [i, row] of basis.entries()) {
    // Twice: once leaves an error that grows with the number of rows (Giraud & Langou 2005).
    for (let pass = 0; pass < 2; pass++) {
      for (const other of basis.slice(0, i)) {
        const along = dot(row, other);
        for (let k = 0; k < length; k++) row[k] -= along * other[k];
      }
    }
    const norm = Math.sqrt(dot(row, row));
    for (let k = 0; k < length; k++) row[k] /= norm;
  }
  const scale = dimension < width ? Math.sqrt(width / dimension) : 1;
  const result = Matrix.zeros(dimension, width, 'float64');
  for (let i = 0; i < dimension; i++) {
    for (let j = 0; j < width; j++) {
      result.data[i * width + j] = scale * (dimension <= width ? basis[i][j] : basis[j][i]);
    }
  }
  return result;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}

/** rows · projectionᵀ */
function projected(rows: Matrix, projection: Matrix): Matrix {
  const { rows: dimension, columns: width } = projection;
  const result = Matrix.zeros(rows.rows, dimension);
  for (let i = 0; i < rows.rows; i++) {
    for (let d = 0; d < dimension; d++) {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += rows.data[i * width + j] * projection.data[d * width + j];
      result.data[i * dimension + d] = sum;
    }
  }
  return result;
}
