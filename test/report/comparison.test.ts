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
import { type ComparisonPage, renderComparison } from '../../src/report/render-comparison.ts';
import { sampleComparison } from './sample-comparison.ts';
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

  it('two methods that are the same have one result, under both names', () => {
    const runs = record.runs.map((run) => (run.method === 'mse' ? { ...run, digest: `cosine ${run.seed}` } : run));
    const summary = summaryOf({ runs }, [...results].reverse());
    expect(methodOf('mse', summary)?.metrics).toEqual(methodOf('cosine', summary)?.metrics);
    expect(methodOf('mse', summary)?.differences.recallAt1).toMatchObject({ mean: 0, outcome: 'no difference seen' });
    const rows = renderComparisonCsv({ ...record, runs }, results).split('\r\n');
    expect(rows.filter((line) => line.startsWith('small,mse,'))).toHaveLength(3);
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
  const page = (summary = summaryOf()) => renderComparison({ record, results, summary, document });

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
    const text = renderComparison({ record, results: [], summary: summaryOf({}, []), document });
    expect(text).toContain('No run is done yet.');
    expect(text).not.toMatch(/<svg|NaN|undefined/);
  });

  describe('with everything that runs keep', () => {
    const texts = Array.from({ length: 60 }, (_, i) => `text <i>${i}</i> & more`);
    const parts = sampleComparison(texts);
    const render = (changes: Partial<Omit<ComparisonPage, 'summary' | 'document'>> = {}) => {
      const all = { ...parts, ...changes };
      const summary = summarizeComparison({ ...all, scores: new Map() });
      const text = renderComparison({ ...all, summary, document });
      // biome-ignore lint/suspicious/noExplicitAny: linkedom's types need DOM types, which the tests do not load
      return { text, page: parseHTML(text).document as any };
    };
    const { text, page: whole } = render();
    const titles = (of = whole) => [...of.querySelectorAll('h2')].map((title) => title.textContent);
    /** The figures of the section of a title. */
    const figures = (title: string) => {
      const found: string[] = [];
      for (let at = [...whole.querySelectorAll('h2')].find((h) => h.textContent === title)?.nextElementSibling; at; ) {
        if (at.tagName === 'H2') break;
        found.push(...[...at.querySelectorAll('figure h3')].map((h) => h.textContent));
        at = at.nextElementSibling;
      }
      return found;
    };

    it('has a section for each, in order, without references and without markup of others', () => {
      expect(titles()).toEqual([
        ...['small', 'large', 'Curves over a number', 'Size, quality and speed', 'The embedding spaces'],
        ...[
          'Where neighbours differ',
          'Similarity of pairs',
          'Training loss',
          'How to read it',
          'Methods',
          'How to repeat it',
        ],
      ]);
      const still = text.replace(/<script>.*<\/script>/s, '');
      expect(still.match(/<(link|img|i)\b|(src|href)=|@import|url\(|NaN|undefined|\[object/)).toBeNull();
      expect(text.length).toBeLessThan(700_000);
    });

    it('curves over the number that methods differ in: a picture a metric, a line a student, the baseline dashed', () => {
      expect(figures('Curves over a number')).toEqual(['R@1', 'kNN-10', 'cosine']);
      const svg = [...whole.querySelectorAll('svg')].find((one) => /^R@1 by temp/.test(one.getAttribute('aria-label')));
      expect(svg.getAttribute('aria-label')).toBe(
        'R@1 by temperature. small: 0.02 0.595, 0.05 0.690, 0.1 0.535, 0.5 0.295; cosine 0.490. ' +
          'large: 0.02 0.695, 0.05 0.790, 0.1 0.635, 0.5 0.395; cosine 0.590.',
      );
      expect(svg.querySelectorAll('circle')).toHaveLength(8);
      expect(svg.querySelectorAll('[stroke-dasharray]')).toHaveLength(2);
      expect(svg.textContent).toMatch(/0\.020\.050\.10\.5temperature, logarithmic/);
      expect(svg.querySelector('circle title').textContent).toBe('bank-0.02, small: 0.595 ± 0.007');
    });

    it('quality by size and by speed, with the teacher where its size is known', () => {
      expect(figures('Size, quality and speed')).toEqual([
        ...['R@1 by size', 'R@1 by speed', 'R@1 by latency', 'kNN-10 by size', 'kNN-10 by speed', 'kNN-10 by latency'],
      ]);
      const [recall, , , knn, speed, latency] = [...whole.querySelectorAll('svg')].filter((one) =>
        / by (size|speed|latency) in /.test(one.getAttribute('aria-label')),
      );
      const dots = (svg: typeof recall) => svg.querySelectorAll('[data-mark="dot"] title').length;
      // R@1 of the teacher is that of a model held against itself, and not measured; its speed is.
      expect([recall, knn, speed, latency].map(dots)).toEqual([14, 15, 15, 14]);
      expect(latency.textContent).toContain('cosine, large: kNN-10 0.447, 0.09 ms for one');
      expect(knn.textContent).toContain('teacher: kNN-10 0.600, 45.4 MB');
      expect(knn.textContent).toContain('bank-0.05, large: kNN-10 0.497, 2.7 MB');
    });

    it('maps of teacher, baseline and best, each with every kept sample', () => {
      const panels = [...whole.querySelectorAll('.maps figure')];
      expect(panels.map((one) => one.querySelector('h3').textContent)).toEqual(['Teacher', 'cosine', 'bank-0.05']);
      expect(panels.map((one) => one.querySelectorAll('circle').length)).toEqual([60, 60, 60]);
      expect(panels[2].querySelector('title').textContent).toMatch(/^text <i>\d+<\/i> & more\nnoun\.class-\d$/);
      expect(whole.querySelectorAll('script')).toHaveLength(1);
    });

    it('neighbours by all three, marked where they are the teacher’s', () => {
      const examples = [...whole.querySelectorAll('.examples section')];
      expect(examples.length).toBe(8);
      for (const example of examples) {
        const lists = [...example.querySelectorAll('ol')].map((list) =>
          [...list.querySelectorAll('li')].map((item) => [item.textContent.split(' noun')[0], item.className]),
        );
        expect(lists.map((list) => list.length)).toEqual([3, 3, 3]);
        const known = new Set(lists[0].map(([name]) => name));
        expect(lists[0].every(([, mark]) => mark === '')).toBe(true);
        for (const list of lists.slice(1)) {
          for (const [name, mark] of list) expect(mark).toBe(known.has(name) ? 'shared' : '');
        }
      }
    });

    it('a loss curve a method that trained, a line for every student and seed', () => {
      const names = parts.record.methods.map(({ name }) => name).filter((name) => name !== 'untrained');
      expect(figures('Training loss')).toEqual(names);
      const last = [...whole.querySelectorAll('svg')].at(-1);
      expect(last.querySelectorAll('[data-mark="line"] path')).toHaveLength(4);
    });

    it('leaves out what was not kept, as of older comparisons', () => {
      const older = parts.results.map(({ curve: _, ...one }) => one);
      const { text: plain, page: less } = render({ results: older, samples: undefined });
      expect(titles(less)).toEqual([
        ...[
          'small',
          'large',
          'Curves over a number',
          'Size, quality and speed',
          'How to read it',
          'Methods',
          'How to repeat it',
        ],
      ]);
      expect(plain).not.toContain('<script');
    });

    it('without a teacher: maps of the students alone, neither neighbours nor pairs', () => {
      const { teacher: _, ...alone } = parts.record;
      const { page: without } = render({ record: alone, samples: { ...parts.samples, teacher: undefined } });
      expect(titles(without)).not.toContain('Where neighbours differ');
      expect(without.querySelectorAll('.maps figure')).toHaveLength(2);
      expect(without.querySelector('.maps figcaption').textContent).toMatch(/space of its own/);
    });
  });
});
