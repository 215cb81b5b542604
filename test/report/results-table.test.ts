import { describe, expect, test } from 'vitest';
import { resultsTable } from '../../src/report/results-table.ts';
import { renderTextTable } from '../../src/report/text-table.ts';
import { metrics, result, sampleRecord } from './sample-record.ts';

describe('resultsTable', () => {
  test('rows in the order teacher, untrained, cosine, bank, then what it does not know', () => {
    const record = sampleRecord(2);
    record.results.unshift(result('crd', 0, metrics(0.5)));
    const { rows } = resultsTable(record);
    expect(rows.map((row) => row.method)).toEqual(['teacher', 'untrained', 'cosine', 'ntxent-bank', 'crd']);
    expect(rows.map((row) => row.count)).toEqual([1, 1, 2, 2, 1]);
  });

  test('three seeds: mean and sample standard deviation in every metric, not for size and speeds', () => {
    const [, , , bank] = resultsTable(sampleRecord(3)).rows;
    expect(bank.cells).toEqual([
      { text: '0.967', spread: '0.001' },
      { text: '0.990', spread: '0.000' },
      { text: '0.970', spread: '0.000' },
      { text: '0.800', spread: '0.000' },
      { text: '0.520', spread: '0.030' },
      { text: '6.8', spread: null },
      { text: '41,100', spread: null },
      { text: '1m 10s', spread: null },
    ]);
  });

  test('one seed: no spread anywhere; a dash where a measure does not apply; no minus before zero', () => {
    const { rows } = resultsTable(sampleRecord(1));
    expect(rows.flatMap((row) => row.cells).every((cell) => cell.spread === null)).toBe(true);
    expect(rows[0].cells.map((cell) => cell.text)).toEqual([
      '1.000',
      '1.000',
      '1.000',
      '1.000',
      '0.573',
      '45.4',
      '475',
      '–',
    ]);
    expect(rows[1].cells[3].text).toBe('0.000');
  });

  test('the notes state the majority class, the spread and the rule', () => {
    const notes = resultsTable(sampleRecord(3)).notes.join('\n');
    expect(notes).toContain('always answering the largest (noun.artifact) would score 0.121');
    expect(notes).toContain('sample standard deviation over 3 seeds');
    expect(notes).toContain('95 % confidence interval');
    expect(resultsTable(sampleRecord(1)).notes.join('\n')).not.toContain('sample standard deviation over');
  });

  test('an unfinished run without results says so', () => {
    const { rows, comparison, notes } = resultsTable({ ...sampleRecord(1), status: 'running', results: [] });
    expect(rows).toEqual([]);
    expect(comparison).toBeNull();
    expect(notes.slice(0, 2)).toEqual(['This run is not complete: results may be missing.', 'No results yet.']);
  });

  test('a NaN is refused, not printed', () => {
    const record = sampleRecord(1);
    record.results[0].metrics = { ...record.results[0].metrics, meanCosine: Number.NaN };
    expect(() => resultsTable(record)).toThrow(expect.objectContaining({ code: 'NON_FINITE' }));
  });
});

describe('renderTextTable', () => {
  const table = resultsTable(sampleRecord(3));

  test('80 columns, three seeds: spread beneath the value, columns aligned', () => {
    const lines = renderTextTable(table, { width: 80 }).split('\n');
    expect(lines.slice(0, 10)).toEqual([
      '                      R@1    R@10     MRR  cosine  kNN-10    MB  texts/s   train',
      '────────────────────────────────────────────────────────────────────────────────',
      'teacher:            1.000   1.000   1.000   1.000   0.573  45.4      475       –',
      'big-encoder',
      'student,            0.001   0.010   0.007   0.000   0.500   6.8   41,000       –',
      'untrained',
      'cosine regression   0.956   0.990   0.970   0.840   0.500   6.8   41,100  1m 10s',
      '                   ±0.001  ±0.000  ±0.000  ±0.000  ±0.000',
      'NT-Xent + teacher   0.967   0.990   0.970   0.800   0.520   6.8   41,100  1m 10s',
      'bank               ±0.001  ±0.000  ±0.000  ±0.000  ±0.030',
    ]);
    expect(lines).toContain('NT-Xent + teacher bank against cosine regression:');
    expect(lines).toContain('  R@1     beats                +0.011 ± 0.001, ahead on 3 of 3');
    expect(lines).toContain('  kNN-10  no clear difference  +0.020 ± 0.030, ahead on 2 of 3');
    expect(lines).toContain('  cosine  loses to             −0.040 ± 0.000, ahead on 0 of 3');
  });

  test('140 columns: everything about a method on its line', () => {
    const lines = renderTextTable(table, { width: 140 }).split('\n');
    expect(lines[5]).toMatch(/^NT-Xent \+ teacher bank {2}0\.967 ±0\.001 .* 41,100 {2}1m 10s$/);
  });

  for (const width of [30, 40, 60, 79, 80, 100, 120]) {
    for (const seeds of [1, 3]) {
      test(`${width} columns, ${seeds} seed(s): no line is longer, no value is missing`, () => {
        const one = resultsTable(sampleRecord(seeds));
        const text = renderTextTable(one, { width });
        for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
        const words = text.replace(/[±\s]+/g, ' ');
        for (const row of one.rows) {
          for (const cell of row.cells) {
            expect(words).toContain(cell.text);
            if (cell.spread !== null) expect(words).toContain(cell.spread);
          }
        }
        for (const { label } of one.columns) expect(words).toContain(label);
        expect(text).not.toMatch(/NaN|undefined|null/);
      });
    }
  }

  test('a name that cannot be broken makes blocks, not longer lines', () => {
    const record = sampleRecord(3);
    for (const result of record.results) result.label = `someone/${'x'.repeat(24)}`;
    for (const line of renderTextTable(resultsTable(record)).split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test('60 columns: one block a method', () => {
    const lines = renderTextTable(table, { width: 60 }).split('\n');
    expect(lines[0]).toBe('teacher: big-encoder');
    expect(lines).toContain('  kNN-10   0.520 ± 0.030');
  });

  test('no results and too narrow a terminal', () => {
    const empty = resultsTable({ ...sampleRecord(1), results: [] });
    expect(renderTextTable(empty)).toMatch(/^No results yet\.\n/);
    expect(() => renderTextTable(table, { width: 20 })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
