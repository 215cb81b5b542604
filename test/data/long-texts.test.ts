/** Texts far longer than the limit: the same ids as when all of the text is tokenized, and without a full stack. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeStart } from '../../src/data/encode-start.ts';
import { TextTokenizer } from '../../src/data/tokenizer.ts';
import { Random } from '../../src/matrix/random.ts';
import { WORDNET } from '../material.ts';

const KINDS = ['own', 'roberta', 'gpt2', 'modernbert', 'llama3', 'gemma', 'clip', 'xlm_roberta', 't5'];
const words = readFileSync(join(WORDNET, 'data.adv'), 'utf8').split(/\s+/).slice(200, 20_200);
const SPACES = [' ', ' ', ' ', '  ', '\n', '\n\n\n', '\t', ' \n', '     ', '\u3000'];
const RARE = ['<mask>', '</s>', '[MASK]', '中文分词', '🎉🎉', '12345', "they'll", 'e\u0301', '(--)', 'x'.repeat(150)];

const open = (kind: string, maxTokens: number) => {
  const json = readFileSync(new URL(`../fixtures/tokenizers/${kind}.json`, import.meta.url), 'utf8');
  return TextTokenizer.fromJson(json, { maxTokens, name: kind });
};

/** Words of WordNet's files and rare things, with whitespace of all kinds between them. */
function mixed(count: number, seed: number): string {
  const random = new Random(seed);
  const pick = <T>(list: readonly T[]) => list[Math.floor(random.uniform() * list.length)];
  return Array.from({ length: count }, () => (random.uniform() < 0.1 ? pick(RARE) : pick(words)) + pick(SPACES)).join(
    '',
  );
}

describe.each(KINDS)('%s', (kind) => {
  const whole = open(kind, 10_000_000);
  const texts: [string, string][] = [
    ...[1, 2, 3, 4, 5, 6].map((seed): [string, string] => [`mixed ${seed}`, mixed(3000, seed)]),
    ['Chinese without spaces', '中文分词。'.repeat(1200)],
    ['letters without spaces', words.join('').slice(0, 20_000)],
    ['emoji', '🎉👩'.repeat(2500)],
    ['spaces first', ' '.repeat(30_000) + mixed(200, 7)],
    // Unigram is left out: there all ways of cutting a row of one letter are equally good.
    ...(/^(xlm|t5)/.test(kind) ? [] : [['one letter', 'a'.repeat(30_000)] as [string, string]]),
  ];

  test.each(texts)('cuts %s to the ids of the whole text', (_, text) => {
    const all = whole.encode(text);
    for (const maxTokens of [4, 33, 128]) {
      const short = open(kind, maxTokens);
      const ids = short.encode(text);
      let isTruncated = false;
      short.encodeAll([text], () => {
        isTruncated = true;
      });
      expect(isTruncated).toBe(all.length > maxTokens);
      const closing = all.length > maxTokens ? whole.encode('').length : 0; // At most so many of them close a text.
      expect(ids.slice(0, maxTokens - closing)).toEqual(all.slice(0, maxTokens - closing));
      expect(ids.at(-1)).toBe(closing > 0 && closesTexts(whole) ? whole.encode('').at(-1) : all[ids.length - 1]);
    }
  });

  test('cuts 100,000 words, and counts them as truncated', () => {
    const text = Array.from({ length: 100_000 }, (_, i) => words[i % words.length]).join(' ');
    const counts: number[] = [];
    const [long, short] = open(kind, 512).encodeAll([text, 'a'], (count) => counts.push(count));
    expect(long).toHaveLength(512);
    expect(short.length).toBeLessThan(10);
    expect(counts).toEqual([1]);
  });
});

test('200,000 pieces do not overflow the stack', () => {
  const ids = open('t5', 10_000_000).encode('z'.repeat(200_001));
  expect(ids.length).toBeGreaterThan(100_000);
});

test('only as much of a text is tokenized as the limit asks for', () => {
  const lengths: number[] = [];
  const letters = (text: string) => {
    lengths.push(text.length);
    return [...text.replaceAll(' ', '')].map((letter) => letter.charCodeAt(0));
  };
  expect(encodeStart('word '.repeat(100_000), 10, 2, letters).length).toBeGreaterThan(10 + 2);
  expect(encodeStart(`${' '.repeat(5000)}word`, 10, 2, letters)).toHaveLength(4);
  expect(encodeStart('word', 10, 2, letters)).toHaveLength(4);
  expect(encodeStart('', 10, 2, letters)).toEqual([]);
  expect(lengths).toEqual([609, 5004, 4, 0]);
});

/** Whether a special token stands after a text. */
function closesTexts(tokenizer: TextTokenizer): boolean {
  return tokenizer.encode('').length > 0 && tokenizer.encode('').at(-1) === tokenizer.encode('a').at(-1);
}
