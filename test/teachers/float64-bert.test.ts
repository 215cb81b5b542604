/** The float64 reference of BERT against Hugging Face's BertModel in float64 (test/goldens/minilm.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MINILM } from '../material.ts';
import { type BertShape, erfc, Float64Bert, gelu } from './float64-bert.ts';

const golden = JSON.parse(readFileSync(new URL('../goldens/minilm.json', import.meta.url), 'utf8')) as {
  inputs: { config: BertShape };
  cases: { text: string; ids: number[]; embedding: number[] }[];
};
const bert = new Float64Bert(join(MINILM, 'model.fp16.safetensors'), golden.inputs.config);

describe('Float64Bert', () => {
  test.each(golden.cases)('$ids.length tokens: absolute error < 1e-9 against PyTorch', ({ ids, embedding }) => {
    const actual = bert.embed(ids);
    expect(actual).toHaveLength(384);
    const worst = embedding.reduce((error, value, i) => Math.max(error, Math.abs(value - actual[i])), 0);
    expect(worst).toBeLessThan(1e-9);
  });

  test('gives rows of length 1', () => {
    const row = bert.embed([101, 102]);
    expect(row.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 14);
  });

  test('refuses an id beyond the table', () => {
    expect(() => bert.embed([101, 30522, 102])).toThrow('expected a row below 30522, got 30522');
  });
});

describe('the exact GELU', () => {
  // erfc by mpmath 1.3.0, rounded to float64; 2.5 is where the series hands over to the continued fraction.
  test.each([
    [0, 1.0],
    [1e-9, 0.9999999988716208],
    [0.5, 0.4795001221869535],
    [1, 0.15729920705028513],
    [2.4999, 0.00040716990033345094],
    [2.5, 0.0004069520174449589],
    [4, 1.541725790028002e-8],
    [8, 1.1224297172982926e-29],
  ])('erfc(%s): absolute error < 1e-15, relative error < 1e-13 in the tail', (x, expected) => {
    expect(Math.abs(erfc(x) - expected)).toBeLessThan(1e-15);
    if (x >= 2.5) expect(Math.abs(erfc(x) / expected - 1)).toBeLessThan(1e-13);
  });

  test('tends to 0 on the left and to x on the right', () => {
    expect(gelu(0)).toBe(0);
    expect(gelu(1)).toBeCloseTo(0.8413447460685429, 14);
    expect(gelu(-1)).toBeCloseTo(-0.15865525393145707, 14);
    expect(gelu(40)).toBe(40);
    expect(Math.abs(gelu(-40))).toBe(0);
  });
});
