/**
 * What a static student can know of its teacher before it is trained: the teacher's embedding of every token on its own, in as many
 * principal components as the student is wide, weighted by how rare the token is (Tulkens and van Dongen 2024, Model2Vec; the weights
 * are those of Arora et al. 2017, "A simple but tough-to-beat baseline for sentence embeddings").
 */
import type { TextTokenizer } from '../data/tokenizer.ts';
import { LimbeckError } from '../errors.ts';
import { type FloatArray, Matrix } from '../matrix/matrix.ts';
import { principalComponents } from '../matrix/principal-components.ts';
import { unitRows } from '../matrix/unit-rows.ts';

/** Tokens as the teacher sees them. */
export interface TeacherTokens {
  /** [vocabulary, dimension]: the teacher's embedding of each token's text; see `TextTokenizer.tokenTexts`. */
  readonly rows: Matrix;
  /** [vocabulary]: how often each token occurs in the training texts. */
  readonly counts: ArrayLike<number>;
}

/** Arora et al.'s a: tokens that are more frequent than one in a thousand count less. */
const FREQUENT = 1e-3;

export interface StaticShape {
  readonly vocabulary: number;
  readonly width: number;
  readonly dimension: number;
  /** Ids that stand in every text and say nothing of it: they start at zero. */
  readonly specialIds: readonly number[];
}

/** A static student's parameters, row-major: [vocabulary, width], [vocabulary], [width, dimension], [dimension]. */
export interface StaticParameters {
  readonly table: FloatArray;
  readonly tokenWeights: FloatArray;
  readonly projection: FloatArray;
  readonly bias: FloatArray;
}

/**
 * With e the teacher's unit row of a token, P its principal components and μ their mean: table row P(e − μ), projection P, bias μ, so that
 * the embedding of a text is the mean of w·e over its tokens, but for what the components leave out. Weights w are 1 on average over the
 * tokens of the training texts. A student that is wider than its teacher keeps what it has in the columns that are left.
 *
 * @param into overwritten
 * @throws LimbeckError SHAPE_MISMATCH for rows or counts of another vocabulary or width
 */
export function startFromTeacherTokens(
  { rows, counts }: TeacherTokens,
  { vocabulary, width, dimension, specialIds }: StaticShape,
  into: StaticParameters,
): void {
  if (rows.rows !== vocabulary || rows.columns !== dimension || counts.length !== vocabulary) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `fromTeacher: expected a row of ${dimension} numbers and a count for each of ${vocabulary} tokens, got ${rows.rows} rows of ` +
        `${rows.columns} and ${counts.length} counts.`,
    );
  }
  const special = new Set(specialIds);
  const unit = unitRows(rows.as('float64'), 'fromTeacher.rows');
  const { weights, shares } = rarity(counts, special);
  const known = Math.min(width, dimension);
  const { mean, components } = principalComponents(unit, known, shares);
  for (let id = 0; id < vocabulary; id++) {
    const row = unit.row(id);
    for (let c = 0; c < known; c++)
      into.table[id * width + c] = special.has(id) ? 0 : along(row, mean, components.row(c));
  }
  into.tokenWeights.set(weights);
  into.projection.set(components.data);
  into.bias.set(mean);
}

/** (row − mean) · component */
function along(row: FloatArray, mean: Float64Array, component: FloatArray): number {
  let sum = 0;
  for (let j = 0; j < row.length; j++) sum += component[j] * (row[j] - mean[j]);
  return sum;
}

/** a / (a + p) for a token that makes up a share p of the texts, 1 on average; and what share of the weighted texts each token is. */
function rarity(counts: ArrayLike<number>, special: ReadonlySet<number>) {
  const own = Float64Array.from(counts, (count, id) => (special.has(id) ? 0 : count));
  const total = own.reduce((sum, count) => sum + count, 0);
  const raw = own.map((count) => FREQUENT / (FREQUENT + (total > 0 ? count / total : 0)));
  const average = total > 0 ? own.reduce((sum, count, id) => sum + count * raw[id], 0) / total : 1;
  const weights = Float32Array.from(raw, (weight) => weight / average);
  // Tokens that the texts do not hold take no part, unless none does.
  const shares = total > 0 ? own.map((count, id) => count * raw[id]) : own.map((_, id) => (special.has(id) ? 0 : 1));
  return { weights, shares };
}

/**
 * Asks a teacher for its embedding of every token of a vocabulary, and counts the tokens in texts.
 *
 * @param embed the teacher; its rows may come from a cache
 * @param encoded the training texts' ids, in parts
 *
 * @example
 * const fromTeacher = await teacherTokens(tokenizer, [tokenizer.encodeAll(texts)], (tokens) => teacher.embed(tokens));
 * const student = new StaticEmbeddingStudent(tokenizer, { width: 96, dimension: 384, seed: 0, fromTeacher });
 */
export async function teacherTokens(
  tokenizer: TextTokenizer,
  encoded: Iterable<readonly Int32Array[]> | AsyncIterable<readonly Int32Array[]>,
  embed: (tokens: readonly string[]) => Promise<Matrix>,
): Promise<TeacherTokens> {
  const counts = new Float64Array(tokenizer.vocabularySize);
  for await (const part of encoded) for (const ids of part) for (const id of ids) counts[id]++;
  const texts = tokenizer.tokenTexts();
  const spoken = [...texts.keys()].filter((id) => texts[id] !== '');
  const found = await embed(spoken.map((id) => texts[id]));
  const rows = Matrix.zeros(texts.length, found.columns);
  for (const [i, id] of spoken.entries()) rows.row(id).set(found.row(i));
  return { rows, counts };
}
