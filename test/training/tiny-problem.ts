/** Small real material for tests of training: WordNet glosses, a cheap teacher, a student over a pruned vocabulary. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TextDataset, textDataset } from '../../src/data/text-dataset.ts';
import { TextTokenizer } from '../../src/data/tokenizer.ts';
import { SUPERSENSES } from '../../src/data/wordnet.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { StaticEmbeddingStudent } from '../../src/students/static-embedding-student.ts';
import { MINILM, WORDNET } from '../material.ts';

const whole = TextTokenizer.fromJson(readFileSync(join(MINILM, 'tokenizer.json'), 'utf8'), {
  maxTokens: 64,
  name: 'MiniLM',
});

/** Adverbs and their glosses: the smallest of WordNet's files. */
export function wordNetTexts(count: number): TextDataset {
  const lines = readFileSync(join(WORDNET, 'data.adv'), 'utf8').split('\n');
  const glosses = lines
    .filter((line) => /^\d{8} /.test(line))
    .map((line) => line.slice(line.indexOf(' | ') + 3).trim());
  const texts = [...new Set(glosses)].slice(0, count);
  // Labels that the texts know about: their length in four classes.
  return textDataset({
    texts,
    labels: texts.map(({ length }) => Math.min(3, Math.floor(length / 30))),
    classNames: SUPERSENSES.slice(0, 4),
  });
}

/** Unit rows [texts, dimension]: a seeded random vector per word, summed. A bag of words can learn it. */
export function bagOfWordsRows(texts: readonly string[], dimension: number, seed = 0): Matrix {
  const rows = Matrix.zeros(texts.length, dimension);
  for (const [i, text] of texts.entries()) {
    const row = rows.row(i);
    for (const word of text.toLowerCase().split(/\W+/)) {
      const random = Random.forPurpose(seed, `word ${word}`);
      for (let j = 0; j < dimension; j++) row[j] += random.normal();
    }
    const norm = Math.hypot(...row);
    for (let j = 0; j < dimension; j++) row[j] /= norm;
  }
  return rows;
}

export function tinyStudent(
  texts: readonly string[],
  { width, dimension, seed, layerName }: { width: number; dimension: number; seed: number; layerName?: string },
): StaticEmbeddingStudent {
  const { tokenizer } = whole.prune(whole.encodeAll(texts));
  return new StaticEmbeddingStudent(tokenizer, { width, dimension, seed, ...(layerName && { layerName }) });
}
