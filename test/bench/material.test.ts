import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTexts } from '../../src/data/read-texts.ts';
import { benchModule } from './load.ts';

const { parquetFile } = await benchModule<{ parquetFile(name: string, texts: string[]): Buffer }>('parquet-file.mjs');
const { encoderFlop, paddedBatches } = await benchModule<{
  encoderFlop(lengths: number[], sizes: { layers: number; hidden: number; intermediate: number }): number;
  paddedBatches(
    encoded: Int32Array[],
    size: number,
    padId: number,
  ): Record<'ids' | 'mask' | 'positions', { dtype: string; dims: number[]; data: ArrayLike<number> }>[];
}>('teacher-work.mjs');
const { stepConfigurations } = await benchModule<{ stepConfigurations(): { name: string; flop: number }[] }>(
  'steps-configurations.mjs',
);
const { tableLines, formatFigure, wrap } = await benchModule<{
  tableLines(columns: { label: string; width: number; left?: boolean }[]): {
    header: string;
    line(texts: string[]): string;
  };
  formatFigure(value: number): string;
  wrap(text: string, width: number): string;
}>('table.mjs');

describe('parquetFile', () => {
  it.each([
    ['two texts', ['one', 'naïve – 猫']],
    [
      'more texts than a byte counts, one of them long',
      [...Array.from({ length: 300 }, (_, i) => `text ${i}`), 'x'.repeat(70_000)],
    ],
  ])('is read back: %s', async (_, texts) => {
    const directory = mkdtempSync(join(tmpdir(), 'limbeck-bench-'));
    try {
      const path = join(directory, 'texts.parquet');
      writeFileSync(path, parquetFile('text', texts));
      expect((await readTexts(path, { stream: false })).texts).toEqual(texts);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

it('counts the products of an encoder as loops over its layers do', () => {
  const [layers, hidden, intermediate] = [3, 8, 32];
  const lengths = [2, 5];
  let flop = 0;
  for (const length of lengths) {
    for (let layer = 0; layer < layers; layer++) {
      for (const [rows, inner, columns] of [
        ...Array.from({ length: 4 }, () => [length, hidden, hidden]), // query, key, value, output
        [length, hidden, intermediate],
        [length, intermediate, hidden],
        [length, hidden, length], // scores
        [length, length, hidden], // context
      ]) {
        flop += 2 * rows * inner * columns;
      }
    }
  }
  expect(encoderFlop(lengths, { layers, hidden, intermediate })).toBe(flop);
});

it('pads batches in the order of the texts, the last one short', () => {
  const texts = [Int32Array.of(5, 6), Int32Array.of(7), Int32Array.of(8, 9, 10)];
  const [first, second] = paddedBatches(texts, 2, 0);
  expect([first.ids.dims, [...Array.from(first.ids.data)], Array.from(first.mask.data)]).toEqual([
    [2, 2],
    [5, 6, 7, 0],
    [1, 1, 1, 0],
  ]);
  expect([second.ids.dims, Array.from(second.ids.data), Array.from(second.positions.data)]).toEqual([
    [1, 3],
    [8, 9, 10],
    [0, 1, 2],
  ]);
});

it('counts the convolutions of ResNet-8 as the layers of He et al. have them', () => {
  // Multiply-adds of an image: 3 → 16 at 32², then stages of 16, 32 and 64 channels, with a shortcut where the width changes.
  const stage = (side: number, from: number, to: number) =>
    side ** 2 * (9 * from * to + 9 * to * to + (from === to ? 0 : from * to));
  const image = 32 ** 2 * 9 * 3 * 16 + stage(32, 16, 16) + stage(16, 16, 32) + stage(8, 32, 64) + 64 * 10;
  const resnet = stepConfigurations().find(({ name }) => name === 'resnet-8');
  expect(resnet?.flop).toBe(3 * 2 * 64 * image);
});

describe('tables', () => {
  it('aligns columns and keeps what is too long', () => {
    const { header, line } = tableLines([
      { label: 'name', width: 6, left: true },
      { label: 'ms', width: 5 },
    ]);
    expect(header).toBe('name       ms\n─────────────');
    expect([line(['a', '1.00']), line(['a long name', '1.00'])]).toEqual(['a        1.00', 'a long name   1.00']);
  });

  it.each([
    [0, '0.000'],
    [0.0712, '0.071'],
    [6.034, '6.03'],
    [92.14, '92.1'],
    [12_345.6, '12,346'],
  ])('formats %d as %s', (value, text) => {
    expect(formatFigure(value)).toBe(text);
  });

  it('wraps at spaces', () => {
    expect(wrap('one two three', 8)).toBe('one two\nthree');
  });
});
