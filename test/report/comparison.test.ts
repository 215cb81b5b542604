/** Summary, text, CSV and page of a comparison, from records made by hand. */
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { renderComparisonCsv } from '../../src/report/comparison-csv.ts';
import {
  type ComparisonRecord,
  type ComparisonResult,
  parseComparisonRecord,
  parseComparisonResults,
} from '../../src/report/comparison-record.ts';
import { summarizeComparison } from '../../src/report/comparison-summary.ts';
import { formatInterval, renderComparisonText } from '../../src/report/comparison-text.ts';
import { renderComparison } from '../../src/report/render-comparison.ts';
import { sampleRecord } from './sample-record.ts';

const SEEDS = [0, 1, 2];
/** R@1 by method and seed; the bank is clearly ahead, mse is not clearly behind. */
const RECALL: Readonly<Record<string, readonly number[]>> = {
  cosine: [0.5, 0.51, 0.49],
  'ntxent-bank': [0.6, 0.612, 0.588],
  mse: [0.51, 0.49, 0.48],
  '<b>&': [0.5, 0.51, 0.49],
};

const results: ComparisonResult[] = Object.entries(RECALL).flatMap(([method, scores]) =>
  SEEDS.map((seed) => ({
    ...{ method, student: 'small', seed, digest: `${method} ${seed}`, identity: {}, limbeck: '0.1.0' },
    ...{ startedAt: '2026-01-02T03:04:05.006Z', architecture: 'static embeddings', parameters: 12_345, dimension: 24 },
    ...{ sizeBytes: 50_000, steps: 90, samplesSeen: 2880, loss: 0.25, trainingSeconds: 2 + seed, evaluationSeconds: 1 },
    ...{ metrics: { recallAt1: scores[seed], calibration: 0.1 - 0.01 * seed }, samplesPerSecond: 1000 * (1 + seed) },
    latency: { p50: 0.1, p99: 0.5 },
  })),
);

const { machine, data, teacher } = sampleRecord(1);
const record: ComparisonRecord = {
  ...{
    format: 'limbeck-comparison/1',
    status: 'complete',
    limbeck: '0.1.0',
    name: 'glosses',
    command: 'limbeck compare',
  },
  ...{ startedAt: '2026-01-02T03:04:05.006Z', finishedAt: '2026-01-02T03:09:05.006Z', machine, config: { seeds: 3 } },
  ...{ baseline: 'cosine', students: ['small', 'large'], seeds: SEEDS, measuredOn: 'test' },
  methods: Object.keys(RECALL).map((name) => ({ name, description: `what ${name} is`, differs: [], ownSpace: false })),
  runs: results.map(({ method, student, seed, digest }) => ({ method, student, seed, digest })),
  data: { ...data, heldOutFingerprint: 'x' },
  ...(teacher && { teacher: { ...teacher, metrics: { knnAccuracy: 0.9 } } }),
};

const summaryOf = (changes: Partial<ComparisonRecord> = {}, some = results) =>
  summarizeComparison({ record: { ...record, ...changes }, results: some, scores: new Map() });
const methodOf = (name: string, summary = summaryOf()) => summary.students[0].methods.find((one) => one.name === name);

describe('records', () => {
  it('read back as they were written; a damaged field is named', () => {
    expect(parseComparisonRecord(JSON.stringify(record))).toEqual(record);
    expect(parseComparisonResults(`${results.map((one) => JSON.stringify(one)).join('\n')}\n\n`)).toEqual(results);
    expect(() => parseComparisonRecord(JSON.stringify({ ...record, seeds: ['a'] }))).toThrow(
      /comparison\.json, seeds\[0\]: expected/,
    );
    expect(() => parseComparisonResults(`\n${JSON.stringify({ ...results[0], steps: -1 })}`)).toThrow(/line 2, steps/);
  });
});

describe('the summary', () => {
  it('means, spreads and values by seed', () => {
    const found = methodOf('cosine');
    expect(found?.metrics.recallAt1).toEqual({
      mean: expect.closeTo(0.5, 12),
      standardDeviation: expect.closeTo(0.01, 12),
      values: RECALL.cosine,
    });
    expect(found).toMatchObject({ trainingSeconds: 3, seeds: SEEDS, differences: {}, steps: 90 });
    expect(summaryOf().students.map(({ name, samplesPerSecond }) => [name, samplesPerSecond])).toEqual([
      ['small', 2000],
    ]);
  });

  it('differences against the baseline: better, none seen, equal', () => {
    const outcome = (name: string) => methodOf(name)?.differences.recallAt1.outcome;
    expect(['ntxent-bank', 'mse', '<b>&'].map(outcome)).toEqual(['better', 'no difference seen', 'no difference seen']);
    expect(methodOf('mse')?.differences.recallAt1).toMatchObject({ seeds: 3, samples: null, wins: 1 });
    const other = summaryOf({ baseline: 'ntxent-bank' });
    expect(methodOf('cosine', other)?.differences.recallAt1.outcome).toBe('worse');
  });

  it('pairs are of one seed, in whatever order they were done', () => {
    const shuffled = [...results].reverse();
    expect(methodOf('mse', summaryOf({}, shuffled))).toEqual(methodOf('mse'));
    const fewer = results.filter(({ method, seed }) => method !== 'cosine' || seed === 2);
    expect(methodOf('mse', summaryOf({}, fewer))?.differences.recallAt1).toMatchObject({
      seeds: 1,
      outcome: 'not judged',
    });
  });

  it('results of other runs are left out; what is missing is said', () => {
    const stranger = { ...results[0], digest: 'other', metrics: { recallAt1: 0.9 } };
    expect(summaryOf({}, [...results, stranger])).toEqual(summaryOf());
    expect(summaryOf({}, results.slice(0, 5)).notes[0]).toMatch(/^5 of 12 runs are done/);
    expect(summaryOf({}, [])).toMatchObject({ students: [], done: 0, notes: [expect.stringContaining('0 of 12')] });
  });

  it('shows the metrics that were asked for, in that order', () => {
    expect(summaryOf().metrics.map(({ key }) => key)).toEqual(['recallAt1', 'calibration']);
    expect(summaryOf({ metrics: ['calibration', 'meanCosine'] }).metrics.map(({ key }) => key)).toEqual([
      'calibration',
    ]);
  });

  it('budgets that are not equal are said', () => {
    expect(summaryOf().notes[0]).toBe('Every method was trained for 90 steps on 2,880 samples, repetitions counted.');
    const scores = new Map(results.slice(2).map(({ digest }) => [digest, { recallAt1: [1, 0] }]));
    const missing = (of: ComparisonResult[]) =>
      summarizeComparison({ record, results: of, scores }).notes.filter((note) => note.includes('single samples'));
    expect(missing(results)).toEqual([expect.stringMatching(/^Of 2 of 12 runs the scores .* seeds alone/)]);
    expect(missing(results.slice(2))).toEqual([]);
    expect(missing(results.map((result) => ({ ...result, metrics: { uniformity: -1 } })))).toEqual([]);
    const methods = record.methods.map((one) => (one.name === 'mse' ? { ...one, differs: ['epochs: 20'] } : one));
    const longer = results.map((one) => (one.method === 'mse' ? { ...one, steps: 180 } : one));
    expect(summaryOf({ methods }, longer).notes[0]).toBe('Budgets are not equal: 90, 180 steps. mse has epochs: 20.');
  });

  it('a run that failed has no figures, and the mean is over the others', () => {
    const failed = results.map((one) =>
      one.digest === 'mse 1' ? { ...one, metrics: {}, error: 'diverged at step 3' } : one,
    );
    const found = methodOf('mse', summaryOf({}, failed));
    expect(found?.metrics.recallAt1.values).toEqual([0.51, null, 0.48]);
    expect(found?.failures).toEqual([{ seed: 1, error: 'diverged at step 3' }]);
    expect(found?.differences.recallAt1.seeds).toBe(2);
  });

  it('NaN is no figure', () => {
    const broken = [{ ...results[0], metrics: { recallAt1: Number.NaN } }, ...results.slice(1)];
    expect(() => summaryOf({}, broken)).toThrow(/finite/);
  });
});

describe('text', () => {
  it.each([30, 60, 80, 120])('no line is longer than %d columns', (width) => {
    const many = results.map((one) => ({
      ...one,
      metrics: {
        ...one.metrics,
        recallAt10: 0.9,
        meanReciprocalRank: 0.7,
        meanCosine: -0.5,
        knnAccuracy: 0.25,
        accuracy: 1,
      },
    }));
    const text = renderComparisonText(summaryOf({}, many), { width, unit: 'texts' });
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(width);
    expect(text).toContain('no difference seen');
  });

  it('the sign of a bound is always to be seen', () => {
    const difference = {
      mean: -0.01,
      low: -0.02,
      high: -0.00042,
      outcome: 'worse',
      seeds: 3,
      samples: null,
      wins: 0,
    } as const;
    expect(formatInterval(difference)).toBe('−0.010 [−0.020, −0.0004]');
    expect(formatInterval({ ...difference, low: null, high: null })).toBe('−0.010');
    expect(formatInterval({ ...difference, low: 0, high: 0, mean: 0 })).toBe('0.000 [0.000, 0.000]');
  });
});

describe('CSV', () => {
  it('quotes what needs it', () => {
    const [head, ...rows] = renderComparisonCsv(record, [
      { ...results[0], error: 'a "b", c' },
      ...results.slice(1),
    ]).split('\r\n');
    expect(head).toMatch(/^student,method,seed,recallAt1,calibration,steps,/);
    expect(rows[0]).toMatch(/^small,cosine,0,0\.5,0\.1,90,2880,0\.25,.*,"a ""b"", c"$/);
  });
});

describe('the page', () => {
  const { document } = parseHTML('<!doctype html><html></html>');
  const page = (summary = summaryOf()) => renderComparison({ record, summary, document });

  it('is a whole document without references, with a row a method and an interval a difference', () => {
    const text = page();
    expect(text).not.toMatch(/<(script|link|img)|(src|href)=|@import|url\(/);
    const { document: parsed } = parseHTML(text);
    expect(parsed.querySelectorAll('.results tbody tr')).toHaveLength(Object.keys(RECALL).length);
    const [first] = parsed.querySelectorAll('figure.panel');
    expect(first.querySelectorAll('circle')).toHaveLength(3);
    expect(first.querySelector('svg')?.getAttribute('aria-label')).toContain('no difference seen');
    // What users call things is text, never markup.
    expect(text).not.toContain('<b>&<');
    expect(parsed.querySelector('b')).toBeNull();
  });

  it('without any result it says so', () => {
    expect(page(summaryOf({}, []))).toContain('No run is done yet.');
  });
});
