import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseNpy, writeNpy } from '../../src/data/npy.ts';
import { readRows } from '../../src/data/read-rows.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import type { RowSource } from '../../src/matrix/row-source.ts';
import { writeSafetensors } from '../../src/teachers/safetensors.ts';
import { fixture, temporaryFiles } from './temporary-files.ts';

const file = temporaryFiles();
const expected = JSON.parse(readFileSync(fixture('expected.json'), 'utf8'));
const failure = (code: string, message: string) =>
  expect.objectContaining({ name: 'LimbeckError', code, message: expect.stringContaining(message) });
const all = (rows: RowSource) => rows.gather(Int32Array.from({ length: rows.rows }, (_, i) => i)).toArray();

describe('.npy', () => {
  it.each(['f2', 'f4', 'f8', 'version-1', 'version-2', 'version-3'])('reads what numpy wrote: %s', async (name) => {
    const { shape, data } = parseNpy(readFileSync(fixture(`${name}.npy`)), name);
    expect(shape).toEqual([2, 3]);
    expect(Array.from(data, Number)).toEqual(expected.small.flat());
    expect(all((await readRows(fixture(`${name}.npy`))).rows)).toEqual(expected.small);
  });

  it.each(['i8', 'i4', 'i2', 'i1', 'u1'])('reads whole numbers of numpy: %s', async (name) => {
    expect(all((await readRows(fixture(`${name}.npy`))).rows)).toEqual(expected.integers);
    expect(Array.from(parseNpy(readFileSync(fixture(`${name}.npy`)), name).data, Number)).toEqual(
      expected.integers.flat(),
    );
  });

  it('writes the bytes that numpy writes', () => {
    const numpys = readFileSync(fixture('f4.npy'));
    expect(Buffer.from(writeNpy(Matrix.from(expected.small, 'float32')))).toEqual(numpys);
    expect(Buffer.from(writeNpy(Matrix.from(expected.small, 'float64')))).toEqual(readFileSync(fixture('f8.npy')));
  });

  it('says what to do about other orders and shapes', async () => {
    await expect(readRows(fixture('fortran.npy'))).rejects.toThrow(failure('UNSUPPORTED', 'ascontiguousarray'));
    await expect(readRows(fixture('big-endian.npy'))).rejects.toThrow(failure('UNSUPPORTED', "got '>f4'"));
    await expect(readRows(fixture('vector.npy'))).rejects.toThrow(failure('SHAPE_MISMATCH', 'the shape [5]'));
    expect(parseNpy(readFileSync(fixture('vector.npy')), 'v').shape).toEqual([5]);
  });

  const header = (fields: string) => {
    const bytes = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${fields}`, 'latin1');
    bytes.writeUInt16LE(fields.length, 8);
    return bytes;
  };
  it.each<[string, Uint8Array, string]>([
    ['nothing', Uint8Array.of(), 'begins with 93 "NUMPY"'],
    [
      'cut short',
      readFileSync(fixture('f4.npy')).subarray(0, 140),
      'expected 24 bytes for <f4 of shape [2, 3], got 12',
    ],
    ['something behind', Buffer.concat([readFileSync(fixture('f4.npy')), Buffer.alloc(1)]), 'got 25'],
    ['a header that is longer than the file', readFileSync(fixture('f4.npy')).subarray(0, 50), 'a header of 118 bytes'],
    ['a header that is code', header("{'descr': __import__('os'), 'shape': (1,)}"), 'descr, fortran_order and shape'],
    ['no shape', header("{'descr': '<f4', 'fortran_order': False}"), 'got descr, fortran_order'],
    [
      'a hostile shape',
      header(`{'descr': '<f4', 'fortran_order': False, 'shape': (${'9'.repeat(30)}, 1)}`),
      'whole numbers',
    ],
    [
      'a shape too large',
      header("{'descr': '<f4', 'fortran_order': False, 'shape': (999999999, 384), }"),
      'expected 1535999998464 bytes',
    ],
    ['many spaces', header(`{${' '.repeat(60_000)}`), 'a dictionary as header'],
  ])('refuses a damaged file: %s', (_, bytes, message) => {
    expect(() => parseNpy(bytes, 'x.npy')).toThrow(failure('FILE_CORRUPT', message));
  });
});

describe('readRows', () => {
  it('reads rows of .npy and .safetensors by place, in any order', async () => {
    const matrix = new Matrix(
      50,
      7,
      Float32Array.from({ length: 350 }, (_, i) => i / 8),
    );
    const halves = Uint16Array.from({ length: 350 }, () => 0x3c00);
    const npy = file('m.npy', writeNpy(matrix));
    const tensors = file(
      'm.safetensors',
      writeSafetensors({
        rows: { shape: [50, 7], data: matrix.data as Float32Array },
        ones: { shape: [50, 7], data: halves, dtype: 'F16' },
      }),
    );
    const numbers = [49, 3, 4, 5, 0, 3, 3];
    for (const source of [(await readRows(npy)).rows, (await readRows(tensors, { tensor: 'rows' })).rows]) {
      expect([source.rows, source.columns]).toEqual([50, 7]);
      expect(source.gather(numbers)).toEqual(matrix.gather(numbers));
      expect(source.gather([]).rows).toBe(0);
      expect(() => source.gather([50])).toThrow(failure('INVALID_ARGUMENT', '0 … 49, got 50'));
    }
    expect((await readRows(tensors, { tensor: 'ones' })).rows.gather([7]).toArray()).toEqual([Array(7).fill(1)]);
    await expect(readRows(tensors)).rejects.toThrow(failure('INVALID_OPTION', 'expected one tensor, got 2: '));
    await expect(readRows(tensors, { tensor: 'row' })).rejects.toThrow(
      failure('INVALID_OPTION', 'got 2: "rows", "ones"'),
    );
    const source = (await readRows(npy)).rows;
    writeFileSync(npy, writeNpy(Matrix.zeros(49, 7)));
    expect(() => source.gather([0])).toThrow(failure('DATA_MISMATCH', 'expected the file as it was opened'));
  });

  it.each(['snappy', 'gzip', 'zstd', 'none', 'plain-v2'])('reads list columns of pyarrow: %s', async (name) => {
    const path = fixture(`${name}.parquet`);
    const { rows, ids } = await readRows(path, { idColumn: 'id' });
    expect(all(rows)).toEqual(expected.rows32);
    expect(ids).toEqual(expected.ids);
    for (const column of ['doubles', 'fixed']) {
      expect(all((await readRows(path, { column })).rows)).toEqual(expected.rows32);
    }
    expect(all((await readRows(path, { column: 'halves' })).rows)).toEqual(expected.rows16);
  });

  it('reads JSON lines, many blocks of them', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => Array.from({ length: 500 }, (_, j) => (i * j) % 97));
    const path = file('m.jsonl', lines.map((embedding) => `${JSON.stringify({ embedding })}\n\n`).join(''));
    const { rows } = await readRows(path);
    expect([rows.rows, rows.columns]).toEqual([3000, 500]);
    expect(rows.gather([2999, 0, 2097, 2096]).toArray()).toEqual([lines[2999], lines[0], lines[2097], lines[2096]]);
  });

  it.each<[string, string, string | Uint8Array, object, string, string]>([
    [
      'rows of two widths',
      'r.jsonl',
      '{"embedding":[1,2]}\n{"embedding":[1]}',
      {},
      'SHAPE_MISMATCH',
      'line 2: expected 2 numbers like in the first row, got 1',
    ],
    [
      'a row that is missing',
      'r.jsonl',
      '{"embedding":[1]}\n{"a":1}',
      {},
      'SHAPE_MISMATCH',
      'line 2: expected a list of numbers, got nothing',
    ],
    [
      'no number',
      'r.jsonl',
      '{"embedding":[1,null]}',
      {},
      'SHAPE_MISMATCH',
      'line 1: expected a number in column 1, got null',
    ],
    ['NaN as Python writes it', 'r.jsonl', '{"embedding": [NaN]}', {}, 'NON_FINITE', 'line 1'],
    ['more than single precision holds', 'r.jsonl', '{"embedding":[1e300]}', {}, 'NON_FINITE', 'line 1'],
    [
      'an id twice',
      'r.jsonl',
      '{"embedding":[1],"k":1}\n{"embedding":[1],"k":"1"}',
      { idColumn: 'k' },
      'DATA_MISMATCH',
      'line 2: expected an id of its own in column "k", got "1", which is that of line 1',
    ],
    ['nothing', 'r.jsonl', '', {}, 'EMPTY_DATA', 'at least one row'],
    ['ids of .npy', 'r.npy', '', { idColumn: 'k' }, 'INVALID_OPTION', 'which has no columns'],
    ['no safetensors', 'r.safetensors', 'x', {}, 'FILE_CORRUPT', 'at least 8 bytes, got 1'],
    ['a hostile safetensors', 'r.safetensors', new Uint8Array(20).fill(255), {}, 'FILE_CORRUPT', 'header'],
    ['another format', 'r.bin', '', {}, 'UNSUPPORTED', 'got "bin"'],
  ])('refuses %s', async (_, name, content, options, code, message) => {
    await expect(readRows(file(name, content), options)).rejects.toThrow(failure(code, message));
  });

  it('names the rows that cannot be used in files of other tools', async () => {
    await expect(readRows(fixture('snappy.parquet'), { column: 'ragged' })).rejects.toThrow(
      failure('SHAPE_MISMATCH', 'row 2: expected 1 numbers like in the first row, got 2'),
    );
    await expect(readRows('no/such.npy')).rejects.toThrow(failure('FILE_UNREADABLE', 'no such file'));
    const { rows } = await readRows(
      file(
        'n.npy',
        writeNpy(
          Matrix.from([
            [1, 2],
            [3, Number.NaN],
          ]),
        ),
      ),
    );
    expect(rows.gather([0]).toArray()).toEqual([[1, 2]]);
    expect(() => rows.gather([0, 1])).toThrow(failure('NON_FINITE', 'row 1: expected finite numbers'));
  });
});
