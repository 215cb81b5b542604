/** Methods that differ in one number, found in what runs were configured with. */
import { describe, expect, it } from 'vitest';
import type { ComparisonResult } from '../../src/report/comparison-record.ts';
import { optionSweeps } from '../../src/report/option-sweeps.ts';
import type { JsonValue } from '../../src/report/run-record.ts';
import { sampleComparison } from './sample-comparison.ts';

const { record, results } = sampleComparison(['one text']);

/** The sample comparison with these methods instead, by name what their runs were configured with. */
function sweepsOf(methods: Readonly<Record<string, { readonly strategy?: JsonValue; readonly training?: JsonValue }>>) {
  const runs = Object.entries(methods).map(
    ([method, identity]): ComparisonResult => ({ ...results[0], method, digest: method, identity }),
  );
  return optionSweeps(
    {
      ...record,
      methods: Object.keys(methods).map((name) => ({ ...record.methods[0], name })),
      runs: runs.map(({ method, student, seed, digest }) => ({ method, student, seed, digest })),
    },
    runs,
  );
}
const valuesOf = (sweeps: ReturnType<typeof sweepsOf>) =>
  sweeps.map(({ option, methods }) => [option, methods.map(({ name, value }) => `${name} ${value}`)]);
const training = { epochs: 5, optimizer: { learningRate: 0.01 } };

describe('optionSweeps', () => {
  it('the temperatures of the sample, by value, and nothing else', () => {
    expect(valuesOf(optionSweeps(record, results))).toEqual([
      ['temperature', ['bank-0.02 0.02', 'bank-0.05 0.05', 'bank-0.1 0.1', 'bank-0.5 0.5']],
    ]);
    expect(optionSweeps(record, [])).toEqual([]);
  });

  it('two values are no curve, and neither are three methods that differ in two options', () => {
    const at = (temperature: number, epochs = 5) => ({ strategy: { temperature }, training: { epochs } });
    expect(sweepsOf({ a: at(0.1), b: at(0.2) })).toEqual([]);
    expect(sweepsOf({ a: at(0.1), b: at(0.2), c: at(0.3, 6) })).toEqual([]);
    expect(sweepsOf({ a: at(0.1), b: at(0.2), c: at(0.2) })).toEqual([]);
    expect(valuesOf(sweepsOf({ c: at(0.3), a: at(0.1), b: at(0.2) }))).toEqual([
      ['temperature', ['a 0.1', 'b 0.2', 'c 0.3']],
    ]);
  });

  it('options of training, of an optimizer and of the parts of a sum; switched off is zero', () => {
    const strategy = { kind: 'feature' };
    const batch = (batchSize: number) => ({ strategy, training: { ...training, batchSize } });
    expect(valuesOf(sweepsOf({ a: batch(32), b: batch(64), c: batch(512) }))[0][0]).toBe('batchSize');
    const rate = (learningRate: number) => ({ strategy, training: { ...training, optimizer: { learningRate } } });
    expect(valuesOf(sweepsOf({ a: rate(0.1), b: rate(0.01), c: rate(1) }))).toEqual([
      ['optimizer.learningRate', ['b 0.01', 'a 0.1', 'c 1']],
    ]);
    const part = (weight: number) => ({
      strategy: { parts: [{ kind: 'feature' }, { kind: 'response', weight }] },
      training,
    });
    expect(valuesOf(sweepsOf({ a: part(1), b: part(2), c: part(3) }))[0][0]).toBe('parts[1].weight');
    const bank = (rows: number | false | 'momentum') => ({ strategy: { bank: rows }, training });
    expect(valuesOf(sweepsOf({ all: bank(1024), none: bank(false), some: bank(64), other: bank('momentum') }))).toEqual(
      [['bank', ['none 0', 'some 64', 'all 1024']]],
    );
  });

  it('a grid is a curve for every row and every column', () => {
    const grid = Object.fromEntries(
      [1, 2, 3].flatMap((a) => [1, 2, 3].map((b) => [`${a}${b}`, { strategy: { a, b }, training }])),
    );
    const found = sweepsOf(grid).map(({ option, methods }) => `${option} ${methods.map(({ name }) => name)}`);
    expect(found.sort()).toEqual(['a 11,21,31', 'a 12,22,32', 'a 13,23,33', 'b 11,12,13', 'b 21,22,23', 'b 31,32,33']);
  });
});
