/**
 * trainTokenizer against Hugging Face's WordPieceTrainer (test/goldens/trained_tokenizer.py), against a naive trainer
 * that counts all pairs anew for every merge, and in what its result is used for.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type TrainTokenizerOptions, trainTokenizer } from '../../src/data/train-tokenizer.ts';
import { WordCounts } from '../../src/data/word-counts.ts';
import { learnWordPieces } from '../../src/data/word-pieces.ts';
import { LimbeckError } from '../../src/errors.ts';
import { Random } from '../../src/matrix/random.ts';
import { StaticEmbeddingStudent } from '../../src/students/static-embedding-student.ts';
import { WORDNET } from '../material.ts';

const golden = JSON.parse(readFileSync(new URL('../goldens/trained_tokenizer.json', import.meta.url), 'utf8')) as {
  learned: { size: number; pieces: string[] }[];
  cases: { text: string; ids: number[] }[];
};
const glosses = readFileSync(join(WORDNET, 'data.adv'), 'utf8')
  .split('\n')
  .filter((line) => line.includes(' | '))
  .map((line) => line.slice(line.indexOf(' | ') + 3).trim());
const corpus = glosses.slice(0, 3000);
const fileOf = async (texts: Iterable<string> | AsyncIterable<string>, options?: TrainTokenizerOptions) =>
  (await trainTokenizer(texts, options)).toFiles().get('tokenizer.json')!;
const piecesOf = (json: string) => Object.keys(JSON.parse(json).model.vocab);
const own = await trainTokenizer(corpus, { vocabularySize: 1000 });

/** The rejection of a promise, which must be a LimbeckError. */
async function rejection(promise: Promise<unknown>): Promise<LimbeckError> {
  const error = await promise.then(
    () => undefined,
    (error) => error,
  );
  if (error instanceof LimbeckError) return error;
  throw new Error(`expected a LimbeckError, got ${error}`);
}

describe('against Hugging Face', () => {
  test.each(golden.learned)('learns the pieces of WordPieceTrainer, $size of them', async ({ size, pieces }) => {
    const ours = new Set(piecesOf(await fileOf(corpus, { vocabularySize: size })));
    const missing = pieces.filter((piece) => !ours.has(piece));
    // Equal counts are ordered otherwise there, and characters that we add take the places of the last pieces.
    expect(missing.length).toBeLessThan(pieces.length * 0.01);
    expect(pieces.length).toBeGreaterThan(150);
  });

  // `npx vitest run -u` writes it anew; then the golden must be made again.
  test('still makes the tokenizer that the golden ids belong to', async () => {
    await expect(own.toFiles().get('tokenizer.json')).toMatchFileSnapshot('../fixtures/tokenizers/own.json');
  });

  test.each(golden.cases)('encodes as the Rust library does: $text', ({ text, ids }) => {
    // The library sets characters beyond U+FFFF not apart as Chinese: one unknown word instead of two.
    const expected = text.startsWith('\u{20000}') ? ids.toSpliced(1, 1) : ids;
    expect(Array.from(own.encode(text))).toEqual(expected);
  });
});

describe('the pieces', () => {
  /** Counts all pairs anew for every merge. */
  function naivePieces(counts: Map<string, number>, starts: string[], insides: string[], limit: number, least: number) {
    const pieces = [...starts, ...insides.map((c) => `##${c}`)];
    const words = [...counts].map(([word, count]) => ({ parts: [...word].map((c, i) => (i ? `##${c}` : c)), count }));
    while (pieces.length < limit) {
      const pairs = new Map<string, { left: string; right: string; count: number }>();
      for (const { parts, count } of words) {
        for (let i = 1; i < parts.length; i++) {
          const [left, right] = [parts[i - 1], parts[i]];
          const pair = pairs.get(`${left} ${right}`) ?? { left, right, count: 0 };
          pairs.set(`${left} ${right}`, { ...pair, count: pair.count + count });
        }
      }
      const place = (piece: string) => pieces.indexOf(piece);
      const [best] = [...pairs.values()].sort(
        (a, b) => b.count - a.count || place(a.left) - place(b.left) || place(a.right) - place(b.right),
      );
      if (best === undefined || best.count < least) break;
      const merged = best.left + best.right.slice(2);
      if (!pieces.includes(merged)) pieces.push(merged);
      for (const word of words) {
        for (let i = 1; i < word.parts.length; i++) {
          if (word.parts[i - 1] === best.left && word.parts[i] === best.right) word.parts.splice(i - 1, 2, merged);
        }
      }
    }
    return pieces;
  }

  test('are those of a naive trainer, on random words of few letters', () => {
    const random = new Random(7);
    for (let round = 0; round < 60; round++) {
      const letters = ['a', 'b', '🎉'].slice(0, 1 + (round % 3));
      const counts = new Map<string, number>();
      for (let i = 0; i < 25; i++) {
        const length = 1 + Math.floor(random.uniform() * 9);
        const word = Array.from({ length }, () => letters[Math.floor(random.uniform() * letters.length)]).join('');
        counts.set(word, 1 + Math.floor(random.uniform() * 5));
      }
      const limits = { pieces: 10 + round, minimumCount: 1 + (round % 4) };
      const ours = learnWordPieces(counts, letters, letters, limits);
      expect(ours).toEqual(naivePieces(counts, letters, letters, limits.pieces, limits.minimumCount));
    }
  });

  test('pass over words with foreign characters', () => {
    const counts = new Map([
      ['ab', 5],
      ['abc', 9],
    ]);
    expect(learnWordPieces(counts, ['a', 'b'], ['a', 'b'], { pieces: 9, minimumCount: 1 })).toEqual([
      'a',
      'b',
      '##a',
      '##b',
      'ab',
    ]);
  });
});

describe('counting', () => {
  test('keeps frequent words when there are too many', () => {
    const words = new WordCounts((text) => text.split(' '), 100);
    for (let i = 0; i < 1000; i++) words.add(`often ${i} seldom${i % 20}`);
    expect(words.counts.get('often')).toBe(1000);
    expect(words.counts.size).toBeLessThanOrEqual(100);
    expect(words.forgotten).toBeGreaterThan(800);
  });

  test('forgets words that occurred twice when there is nothing rarer', () => {
    const words = new WordCounts((text) => text.split(' '), 4);
    words.add('a a b b c c d d d e');
    expect([...words.counts]).toEqual([
      ['d', 3],
      ['e', 1],
    ]);
  });
});

describe('the tokenizer', () => {
  test('has BERT’s parts, the special tokens first, the vocabulary asked for', () => {
    expect(piecesOf(own.toFiles().get('tokenizer.json')!)).toHaveLength(1000);
    const { padId, unknownId, specialIds, vocabularySize, maxTokens, name } = own;
    expect({ padId, unknownId, specialIds, vocabularySize, maxTokens, name }).toEqual({
      padId: 0,
      unknownId: 1,
      specialIds: [0, 1, 2, 3, 4],
      vocabularySize: 1000,
      maxTokens: 512,
      name: 'own tokenizer',
    });
    const config = JSON.parse(own.toFiles().get('tokenizer_config.json')!);
    expect(config).toMatchObject({ tokenizer_class: 'BertTokenizer', do_lower_case: true, cls_token: '[CLS]' });
  });

  test('is the same whatever the order of the texts, from an array, a generator or a stream', async () => {
    async function* stream() {
      yield* [...corpus].reverse();
    }
    const json = await fileOf(corpus);
    expect((await fileOf(stream())) === json).toBe(true); // Without printing a file of 100 kB.
    expect((await fileOf(corpus.values())) === json).toBe(true);
  });

  test('has no unknown word among those of its texts, nor in others of the same letters', () => {
    const backwards = corpus.map((text) => [...text].reverse().join(''));
    const all = new Set([...corpus, ...backwards].flatMap((text) => Array.from(own.encode(text))));
    expect(all).not.toContain(own.unknownId);
  });

  test('keeps capital letters and accents if asked to', async () => {
    const cased = await trainTokenizer(['Ärger ärger Arger'], { lowercase: false, minimumCount: 1 });
    const words = ['Ärger', 'ärger', 'Arger'].map((word) => Array.from(cased.encode(word)));
    expect(new Set(words.map(String)).size).toBe(3);
    const uncased = await trainTokenizer(['Ärger ärger Arger'], { minimumCount: 1 });
    expect(uncased.encode('Ärger')).toEqual(uncased.encode('arger'));
    expect(uncased.encode('Ärger')).toHaveLength(3);
  });

  test('minimumCount bounds the merges', async () => {
    const texts = ['abc abc abc xyz xyz'];
    expect(piecesOf(await fileOf(texts, { minimumCount: 3 }))).not.toContain('xyz');
    expect(piecesOf(await fileOf(texts, { minimumCount: 3 }))).toContain('abc');
    expect(piecesOf(await fileOf(texts, { minimumCount: 2 }))).toContain('xyz');
  });

  test('leaves rare characters out when there are more than a thousand, and words beyond 100 characters', async () => {
    const chinese = Array.from({ length: 1500 }, (_, i) => String.fromCodePoint(0x4e00 + i));
    const texts = [chinese.join(''), chinese.slice(500).join(''), 'a'.repeat(100), 'b'.repeat(101)];
    const tokenizer = await trainTokenizer(texts, { vocabularySize: 1200 });
    expect(Array.from(tokenizer.encode(chinese[499]))).toEqual([2, 1, 3]);
    expect(Array.from(tokenizer.encode(chinese[1499]))).toEqual([2, 1, 3]); // The letter a takes one of the places.
    expect(Array.from(tokenizer.encode(chinese[1498]))).not.toContain(1);
    expect(piecesOf(tokenizer.toFiles().get('tokenizer.json')!)).not.toContain('b');
    expect(piecesOf(tokenizer.toFiles().get('tokenizer.json')!).filter((piece) => /^##[^a]/.test(piece))).toEqual([]);
  });

  test('serves a student, pruned or not', () => {
    const { tokenizer: small, oldIds } = own.prune(own.encodeAll(corpus.slice(0, 20)));
    expect(oldIds.length).toBeLessThan(1000);
    const student = new StaticEmbeddingStudent(small, { width: 4, dimension: 8, seed: 1 });
    expect(student.encode(corpus.slice(0, 3))).toEqual(small.encodeAll(corpus.slice(0, 3)));
  });
});

describe('bad input', () => {
  test.each<[string, unknown, string, string]>([
    ['nothing', [], 'INVALID_ARGUMENT', 'texts: expected at least one word to learn from, got 0 texts without any.'],
    ['no words', ['', ' \n'], 'INVALID_ARGUMENT', 'got 2 texts without any'],
    ['no list', 7, 'INVALID_ARGUMENT', 'texts: expected an array or a stream of texts, got 7'],
    ['one text', 'a text', 'INVALID_ARGUMENT', 'texts: expected an array or a stream of texts'],
    ['undefined', undefined, 'INVALID_ARGUMENT', 'texts: expected an array or a stream of texts, got undefined'],
    ['a number among texts', ['a', 7], 'INVALID_ARGUMENT', 'texts[1]: expected a string, got 7.'],
  ])('%s is refused', async (_, texts, code, message) => {
    expect(await rejection(trainTokenizer(texts as string[]))).toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test.each<[string, TrainTokenizerOptions]>([
    ['vocabularySize', { vocabularySize: 5 }],
    ['vocabularySize', { vocabularySize: Number.NaN }],
    ['vocabularySize', { vocabularySize: 8 }],
    ['maxTokens', { maxTokens: 2 }],
    ['minimumCount', { minimumCount: 0 }],
    ['minimumCount', { minimumCount: 1.5 }],
    ['lowercase', { lowercase: 'yes' as never }],
  ])('%s: %j is refused', async (name, options) => {
    const { code, message } = await rejection(trainTokenizer(['abc def'], options));
    expect(code).toBe('INVALID_OPTION');
    expect(message).toMatch(new RegExp(`^${name}: expected`));
  });
});
