import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writeNpy } from '../../src/data/npy.ts';
import { parseRows } from '../../src/data/parse-rows.ts';
import { readRows } from '../../src/data/read-rows.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { writeSafetensors } from '../../src/teachers/safetensors.ts';
import { fixture, temporaryFiles } from './temporary-files.ts';

const file = temporaryFiles();
const expected = JSON.parse(readFileSync(fixture('expected.json'), 'utf8'));
const rows = { shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) };

describe('parseRows', () => {
  it.each(['f2', 'f4', 'f8'])('reads what numpy wrote: %s', (name) => {
    const matrix = parseRows(readFileSync(fixture(`${name}.npy`)), `${name}.npy`);
    expect(matrix.toArray()).toEqual(expected.small);
    expect(matrix.dtype).toBe('float32');
  });

  it.each(['i8', 'u1'])('reads whole numbers of numpy: %s', (name) => {
    expect(parseRows(readFileSync(fixture(`${name}.npy`)), `${name}.npy`).toArray()).toEqual(expected.integers);
  });

  it('reads the only tensor, or the one that is named', () => {
    const other = { shape: [1], data: new Float64Array([5]) };
    expect(parseRows(writeSafetensors({ rows }), 'a.safetensors').toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    const both = writeSafetensors({ rows, other });
    expect(parseRows(both, 'a.safetensors', { tensor: 'rows' }).rows).toBe(2);
    expect(() => parseRows(both, 'a.safetensors')).toThrow('expected one tensor, got 2: "other", "rows"');
    expect(() => parseRows(both, 'a.safetensors', { tensor: 'row' })).toThrow('expected a tensor "row"');
  });

  it.each<[string, string, Uint8Array, string]>([
    ['an ending', 'rows.csv', new Uint8Array(9), 'ends in .npy or .safetensors, got "csv"'],
    ['a vector', 'vector.npy', readFileSync(fixture('vector.npy')), 'the shape [5]'],
    ['no rows', 'none.npy', writeNpy(Matrix.zeros(0, 3)), 'expected at least one row of numbers, got none'],
    [
      'NaN',
      'nan.npy',
      writeNpy(
        Matrix.from(
          [
            [1, 2],
            [3, Number.NaN],
          ],
          'float32',
        ),
      ),
      'row 1: expected finite numbers',
    ],
    [
      'too large for single precision',
      'large.npy',
      writeNpy(Matrix.from([[1e300]], 'float64')),
      'got Infinity in column 0',
    ],
    [
      'element types',
      'a.safetensors',
      writeSafetensors({ rows: { shape: [1, 1], data: new BigInt64Array(1) } }),
      'expected rows of a type among F64, F32, F16, BF16, I8, U8, got I64',
    ],
  ])('refuses %s', (_, name, bytes, message) => {
    expect(() => parseRows(bytes, name)).toThrow(message);
  });

  it('reads what the reader of files on disk reads', async () => {
    const bytes = writeSafetensors({ rows: { shape: [3, 2], data: new Float32Array([0.5, -1, 2, 3, 4, 5]) } });
    const onDisk = (await readRows(file('rows.safetensors', bytes))).rows.gather([0, 1, 2]);
    expect(parseRows(bytes, 'rows.safetensors')).toEqual(onDisk);
  });
});
