/** A static student that starts from its teacher's tokens: the formula of `teacher-tokens.ts` in plain loops, and what it refuses. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TextTokenizer } from '../../src/data/tokenizer.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { StaticEmbeddingStudent } from '../../src/students/static-embedding-student.ts';
import { type TeacherTokens, teacherTokens } from '../../src/students/teacher-tokens.ts';
import { caught } from '../caught.ts';
import { MINILM } from '../material.ts';

const whole = TextTokenizer.fromJson(readFileSync(join(MINILM, 'tokenizer.json'), 'utf8'), {
  maxTokens: 512,
  name: 'MiniLM',
});
const texts = ['the piano in the hall', 'the dog', 'a large musical instrument', 'the pianist sings'];
const { tokenizer } = whole.prune(whole.encodeAll(texts));
const encoded = tokenizer.encodeAll(texts);
const D = 5;

/** A teacher whose rows follow from the letters. */
const embed = async (tokens: readonly string[]): Promise<Matrix> =>
  Matrix.from(
    tokens.map((token) => {
      const random = Random.forPurpose(3, token);
      return Array.from({ length: D }, () => random.normal() + 0.3);
    }),
  );
const known = (): Promise<TeacherTokens> => teacherTokens(tokenizer, [encoded.slice(0, 1), encoded.slice(1)], embed);
const studentOf = (width: number, fromTeacher?: TeacherTokens) =>
  new StaticEmbeddingStudent(tokenizer, { width, dimension: D, seed: 4, fromTeacher });

/** Σ w·e over the tokens of a text that are not special, over the number of all its tokens; the mean row counts for the special ones. */
async function expected(ids: Int32Array): Promise<number[]> {
  const special = new Set(tokenizer.specialIds);
  const counts = new Map<number, number>();
  for (const text of encoded) for (const id of text) if (!special.has(id)) counts.set(id, (counts.get(id) ?? 0) + 1);
  const total = [...counts.values()].reduce((a, b) => a + b);
  const raw = (id: number) => 1e-3 / (1e-3 + (counts.get(id) ?? 0) / total);
  const average = [...counts].reduce((sum, [id, count]) => sum + (count / total) * raw(id), 0);
  const words = tokenizer.tokenTexts();
  const unit = async (id: number) => {
    const [row] = (await embed([words[id]])).toArray();
    return row.map((x) => x / Math.hypot(...row));
  };
  const mean = new Array<number>(D).fill(0);
  let shares = 0;
  for (const [id, count] of counts) {
    const share = count * raw(id);
    shares += share;
    for (const [j, x] of (await unit(id)).entries()) mean[j] += share * x;
  }
  const result = mean.map((x) => x / shares);
  for (const id of ids) {
    if (special.has(id)) continue;
    for (const [j, x] of (await unit(id)).entries()) {
      result[j] += ((raw(id) / average) * (x - mean[j] / shares)) / ids.length;
    }
  }
  return result;
}

describe('a static student that starts from the tokens of its teacher', () => {
  it('has the weighted mean of their rows as its embedding, when it is as wide as the teacher', async () => {
    const student = studentOf(D, await known());
    const embedder = await student.toEmbedder();
    const [text] = ['the pianist in a musical hall'];
    const [row] = (await embedder.embed([text])).toArray();
    const reference = await expected(tokenizer.encode(text));
    const norm = Math.hypot(...reference);
    for (const [j, x] of reference.entries()) expect(row[j]).toBeCloseTo(x / norm, 5);
    await embedder.release();
  });

  it('loses what the components leave out, and the less the wider it is', async () => {
    const reference = await expected(encoded[0]);
    const errors: number[] = [];
    for (const width of [1, 3, D]) {
      const student = studentOf(width, await known());
      const [table, weights, projection, bias] = student.parameters.map(({ data }) => data);
      const found = Array.from(bias);
      for (const id of encoded[0]) {
        for (let c = 0; c < width; c++) {
          const x = (weights[id] * table[id * width + c]) / encoded[0].length;
          for (let j = 0; j < D; j++) found[j] += x * projection[c * D + j];
        }
      }
      errors.push(Math.hypot(...found.map((x, j) => x - reference[j])));
    }
    expect(errors[0]).toBeGreaterThan(errors[1]);
    expect(errors[1]).toBeGreaterThan(errors[2]);
    expect(errors[2]).toBeLessThan(1e-6);
  });

  it('keeps what it has at random in the columns beyond the width of its teacher', async () => {
    const [table] = studentOf(D + 2, await known()).parameters;
    const [random] = studentOf(D + 2).parameters;
    for (let id = 0; id < tokenizer.vocabularySize; id++) {
      for (const c of [D, D + 1]) expect(table.data[id * (D + 2) + c]).toBe(random.data[id * (D + 2) + c]);
    }
  });

  it('says nothing for special tokens, and never asks for them', async () => {
    const asked: string[] = [];
    const tokens = await teacherTokens(tokenizer, [encoded], async (words) => {
      asked.push(...words);
      return embed(words);
    });
    expect(asked).toContain('piano');
    expect(asked.some((word) => word === '' || /^\[[A-Z]+\]$/.test(word))).toBe(false);
    const [table] = studentOf(3, tokens).parameters;
    for (const id of tokenizer.specialIds) {
      expect([...table.data.subarray(id * 3, (id + 1) * 3)]).toEqual([0, 0, 0]);
      expect(tokens.rows.row(id).every((x) => x === 0)).toBe(true);
    }
    const the = tokenizer.tokenTexts().indexOf('the');
    expect(tokens.counts[the]).toBe(4);
  });

  it('starts, too, from tokens that no text holds', async () => {
    const tokens = await teacherTokens(tokenizer, [], embed);
    const student = studentOf(2, tokens);
    for (const { data } of student.parameters) expect(data.every(Number.isFinite)).toBe(true);
  });

  it.each([
    [{ rows: Matrix.zeros(3, D), counts: [1, 2, 3] }, 'SHAPE_MISMATCH', 'got 3 rows of 5 and 3 counts'],
    [{ rows: [[1]], counts: [1] } as unknown as TeacherTokens, 'INVALID_OPTION', 'fromTeacher'],
  ])('refuses what does not fit: %#', (fromTeacher, code, message) => {
    const error = caught(() => studentOf(2, fromTeacher));
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(message);
  });
});
