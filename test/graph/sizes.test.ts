/** Names of run-time sizes: what must be equal has one name, and what may differ never has. */
import { describe, expect, it } from 'vitest';
import * as g from '../../src/graph/index.ts';
import { addSizes, divideSize, multiplySizes, sizeKey } from '../../src/graph/operators/sizes.ts';
import { compile } from '../../src/runtime/program.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';
import { caught } from '../caught.ts';

describe('sizes', () => {
  it('sums: known parts last, and an offset taken back leaves the name', () => {
    expect(addSizes([2, 3])).toBe(5);
    expect(addSizes([3, 'n', 'm', 1])).toBe('n+m+4');
    expect(addSizes(['n', -2])).toBe('n−2');
    expect(addSizes([addSizes(['n', -2]), 3])).toBe('n+1');
    expect(addSizes([addSizes(['n', -2]), 2])).toBe('n');
    expect(addSizes([])).toBe(0);
    expect(addSizes(['n', 'm', 'n+1', '3·m'])).toBe('2·n+4·m+1');
    expect(addSizes(['n', 'n'])).toBe(multiplySizes([2, 'n']));
    expect(addSizes(['(a+b)·c', 'c·2'])).toBe('(a+b)·c+2·c');
  });

  it('products: one known factor first, names in order, sums in brackets', () => {
    expect(multiplySizes([2, 'n', 3, 'm'])).toBe('6·n·m');
    expect(multiplySizes([2, '3·n'])).toBe('6·n');
    expect(multiplySizes([])).toBe(1);
    expect(multiplySizes(['n', 0])).toBe(0);
    expect(multiplySizes(['n+1', 'm'])).toBe('(n+1)·m');
    expect(multiplySizes(['n+1', 'm'])).not.toBe(addSizes(['n', multiplySizes(['1', 'm'])]));
    expect(multiplySizes(['a+b·c', 2])).toBe('2·(a+b·c)');
  });

  it('a size alone keeps its name', () => {
    for (const name of ['n', 'n+1', 'n−1', 'n/2', '(n−1)/2', '2·n', '2·(n+1)', '(n+1)·(m/2)', '2·n+m+3']) {
      expect(addSizes([name])).toBe(name);
      expect(addSizes([name, 1, -1])).toBe(name);
      expect(multiplySizes([name])).toBe(name);
      expect(sizeKey([name, 'k'])).toBe(sizeKey([multiplySizes(['k', name])]));
    }
  });

  it('quotients are rounded up', () => {
    expect(divideSize(7, 2)).toBe(4);
    expect(divideSize('n', 2)).toBe('n/2');
    expect(divideSize('n', 1)).toBe('n');
    expect(divideSize('n−1', 2)).toBe('(n−1)/2');
    expect(multiplySizes([2, 'n/2'])).toBe('2·(n/2)');
  });

  it('keys: equal for equal products in any order and grouping, not otherwise', () => {
    expect(sizeKey(['a·b', 6])).toBe(sizeKey([2, 'b', 'a', 3]));
    expect(sizeKey([multiplySizes(['n+1', 'm']), 2])).toBe(sizeKey(['m', 'n+1', 2]));
    expect(sizeKey(['a', 'b'])).not.toBe(sizeKey(['a', 'a']));
    expect(sizeKey(['a+b·c'])).not.toBe(sizeKey(['a+b', 'c']));
  });
});

describe('slice', () => {
  const fixed = g.input('x', 'float64', [2, 5]);
  const open = g.input('x', 'float64', ['batch', 'length']);

  it('shapes along a run-time size', () => {
    const length = (x: g.SymbolicTensor) => x.shape[1];
    expect(length(g.slice(open, 1, 1))).toBe('length−1');
    expect(length(g.slice(open, 1, 0, -1))).toBe('length−1');
    expect(length(g.slice(open, 1, 0))).toBe('length');
    expect(length(g.slice(open, 1, -1, undefined, -1))).toBe('length');
    expect(length(g.slice(open, 1, 1, -1, 2))).toBe('(length−2)/2');
    expect(length(g.slice(open, 1, 0, 3))).toBe(3);
    expect(length(g.slice(open, 1, -3, -1))).toBe(2);
    expect(length(g.pad(g.slice(open, 1, 2), 1, 1, 1))).toBe('length');
  });

  it('values against JavaScript, every start, end and step', async () => {
    const data = Float64Array.from({ length: 5 }, (_, i) => i);
    const run = async (size: g.Dimension, start: number, end: number | undefined, step: number) => {
      const x = g.input('x', 'float64', [size]);
      const program = await compile({ inputs: [x], outputs: { y: g.slice(x, 0, start, end, step) } });
      const { y } = await program.run({ x: floatTensor(data, [5]) });
      await program.release();
      return Array.from(y.data, Number);
    };
    for (const [start, end, step] of [
      [0, undefined, 1],
      [1, 4, 1],
      [-4, -1, 1],
      [1, -1, 2],
      [0, undefined, 3],
      [-1, undefined, -1],
      [-1, 0, -1],
      [-1, 1, -3],
      [3, undefined, -2],
      [-1, -4, -2],
    ] as const) {
      const [from, to] = [
        start < 0 ? start + 5 : start,
        end === undefined ? (step > 0 ? 5 : -1) : end < 0 ? end + 5 : end,
      ];
      const expected = [];
      for (let i = from; step > 0 ? i < to : i > to; i += step) expected.push(i);
      expect(await run(5, start, end, step)).toEqual(expected);
      expect(await run('n', start, end, step)).toEqual(expected);
    }
  });

  it('so many entries of a shorter axis: fails when the program runs, gives no fewer', async () => {
    const program = await compile({ inputs: [open], outputs: { y: g.slice(open, 1, 0, 3) } });
    await expect(program.run({ x: floatTensor(new Float64Array(2), [1, 2]) })).rejects.toThrow(/out of/);
    await program.release();
  });

  it('ranges that do not fit, and steps and bounds that do not go together', () => {
    expect(caught(() => g.slice(fixed, 1, 3, 6)).code).toBe('SHAPE_MISMATCH');
    expect(caught(() => g.slice(fixed, 1, 3, 2)).code).toBe('SHAPE_MISMATCH');
    expect(caught(() => g.slice(fixed, 1, -6)).code).toBe('SHAPE_MISMATCH');
    expect(caught(() => g.slice(fixed, 1, 1, 3, -1)).code).toBe('SHAPE_MISMATCH');
    expect(caught(() => g.slice(fixed, 1, 0, 3, 0)).code).toBe('INVALID_ARGUMENT');
    expect(caught(() => g.slice(fixed, 1, 0.5)).code).toBe('INVALID_ARGUMENT');
    expect(caught(() => g.slice(open, 1, -3, 2)).code).toBe('INVALID_ARGUMENT');
    expect(caught(() => g.slice(open, 1, 2, -1, -1)).code).toBe('INVALID_ARGUMENT');
  });
});

describe('what does not fit', () => {
  const x = g.input('x', 'float32', [2, 3]);
  const open = g.input('x', 'float32', ['batch', 3]);
  const index = g.input('index', 'int64', [4]);
  const code = (act: () => unknown) => caught(act).code;

  it('joining, splitting, padding, expanding', () => {
    expect(code(() => g.slice(open, 0, 0, 1e9))).toBe('UNSUPPORTED');
    expect(code(() => g.concat([], 0))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.concat([x, open], 1))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.split(x, 1, [1, 1]))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.split(open, 0, [1, 1]))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.split(x, 1, [4, -1]))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.split(x, 1, []))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.tile(x, [2]))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.tile(x, [2, 0.5]))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.pad(x, 1, -1, 0))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.pad(x, 1, 3, 0, { mode: 'reflect' }))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.expandTo(x, [4, 3]))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.expandTo(x, ['batch', 2, 3]))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.flatten(x, 3))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.squeeze(x, 0))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.unsqueeze(x, [0, 0]))).toBe('SHAPE_MISMATCH');
  });

  it('indices', () => {
    expect(code(() => g.gather(x, x))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.gatherElements(x, index, 0))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.scatterElements(x, g.input('i', 'int64', [2, 2]), x, 1))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.gatherND(x, index))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.scatterND(x, g.input('i', 'int64', [1, 1]), x))).toBe('SHAPE_MISMATCH');
  });

  it('equations and rates', () => {
    expect(code(() => g.einsum('ij,jk->ik', [x]))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.einsum('ij->ik', [x]))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.einsum('i1->i', [x]))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.einsum('...j->j', [x]))).toBe('UNSUPPORTED');
    expect(code(() => g.einsum('ii->i', [x]))).toBe('UNSUPPORTED');
    expect(code(() => g.einsum('ijk->k', [x]))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.einsum('ij,jk->ik', [x, x]))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.dropout(x, x, 1))).toBe('INVALID_ARGUMENT');
  });
});
