/** The report of a run of `limbeck distill`: one student, its curves, what was recorded and nothing else. */
import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { headline } from '../../src/report/headline.ts';
import type { MetricsLine } from '../../src/report/metrics-lines.ts';
import { renderReport } from '../../src/report/render-report.ts';
import { resultsTable } from '../../src/report/results-table.ts';
import type { RunRecord } from '../../src/report/run-record.ts';
import { renderTextTable } from '../../src/report/text-table.ts';
import { distillRecord } from './sample-record.ts';

const run = { method: 'student', seed: 0 };
const steps = (count: number): MetricsLine[] =>
  Array.from({ length: count }, (_, i) => ({
    ...run,
    step: i + 1,
    epoch: (i + 1) / 100,
    loss: 3 / (i + 1),
    components: { contrastive: 2 / (i + 1), response: 1 / (i + 1) },
    learningRate: 0.001 * (1 - i / count),
    seconds: i,
  }));
const validation = (step: number, recallAt1: number): MetricsLine => ({
  ...run,
  step,
  epoch: step / 100,
  seconds: step,
  validation: { recallAt1, accuracy: 0.75 },
});
const CURVES = [...steps(200), validation(100, 0.5), validation(200, 0.75)];

function render(record: RunRecord, curves: readonly MetricsLine[] = CURVES) {
  const text = renderReport({ record, curves, map: null, document: parseHTML('<html></html>').document });
  // biome-ignore lint/suspicious/noExplicitAny: linkedom's types need DOM types, which the tests do not load
  const page = parseHTML(text).document as any;
  return { text, page, all: (selector: string) => [...page.querySelectorAll(selector)] };
}
const plain = (text: string) => text.replaceAll('\u00a0', ' ');

describe('the page', () => {
  const { text, page, all } = render(distillRecord());

  test('loss and its parts, validation, learning rate: one line each, named', () => {
    expect(all('.panel h3').map((title) => title.textContent)).toEqual([
      'Loss and its parts',
      'Validation',
      'Learning rate',
    ]);
    const paths = all('.panel').map((panel) => panel.querySelectorAll('[data-mark="line"] path').length);
    expect(paths).toEqual([3, 2, 1]);
    expect(all('.keys li').map((key) => key.textContent.trim())).toEqual([
      'loss',
      'contrastive',
      'response',
      'R@1',
      'accuracy',
    ]);
    expect(all('figcaption').map((caption) => caption.textContent)).toEqual([
      'Ends at 0.0150 after 200 steps.',
      'R@1 0.750, accuracy 0.750 at the end. Best after step 200.',
      'Highest 0.00100.',
    ]);
    expect(all('.panel')[1].querySelectorAll('circle').length).toBe(4);
  });

  test('no verdict between methods, and no word on maps that are not there', () => {
    expect(all('h2').map((title) => title.textContent)).toEqual(['Results', 'Training', 'How to repeat it']);
  });

  test('facts: what was left out by reason, nested settings as paths, absent ones absent', () => {
    const entries = Object.fromEntries(
      all('.facts dl div').map((entry) => [
        entry.querySelector('dt').textContent,
        entry.querySelector('dd').textContent,
      ]),
    );
    expect(entries).toMatchObject({
      'training images': '5,000',
      'left out: duplicate': '12',
      'left out: does not decode': '3',
      'rows computed': '5,250 in 21s',
      'student.kind': 'resnet',
      'student.size': '32, 32',
      'training.augment': 'none',
      'parts[0].a': '1',
      parameters: '77,850',
    });
    expect(Object.keys(entries)).not.toContain('vocabulary');
    expect(text.replace(/<script>.*<\/script>/s, '')).not.toMatch(/NaN|undefined|\[object|>null</);
  });

  test('says in plain words what happened', () => {
    expect(plain(page.querySelector('.lede').textContent)).toBe(
      "big-eye.onnx was distilled into a student of 0.3 MB. For 75.0 % of 250 images that it never saw, the student's row " +
        "finds the teacher's row of the same image first. It classifies 87.5 % of them as they are labelled (the teacher 90.0 %).",
    );
  });
});

describe('other runs', () => {
  test('labels alone: no teacher anywhere', () => {
    const { teacher, ...record } = distillRecord();
    const alone = {
      ...record,
      results: record.results.slice(0, 1).map((one) => ({ ...one, metrics: { accuracy: 0.875 } })),
    };
    expect(plain(headline(alone))).toBe(
      'A student of 0.3 MB was trained from labels. It classifies 87.5 % of 250 images that it never saw as they are labelled.',
    );
    const { page, all } = render(alone);
    expect(page.querySelector('h1').textContent).toBe('Training a student on pets');
    expect(all('h3').map((title) => title.textContent)).not.toContain('Teacher');
  });

  test.each([
    ['running', 'The run is not complete.', 'This run is not complete'],
    ['interrupted', 'The run was interrupted.', 'The same command goes on with it'],
    ['failed', 'The run failed.', 'This run failed: the loss is NaN'],
  ] as const)('%s: says so, without results and without curves', (status, sentence, note) => {
    const record = { ...distillRecord(), status, error: 'the loss is NaN', finishedAt: null, results: [] };
    const { page } = render(record, []);
    const words = page.querySelector('main').textContent;
    expect(page.querySelector('.lede').textContent).toContain(sentence);
    expect(words).toContain(note);
    expect(words).toContain('No results yet');
  });

  test('a loss of one part is drawn once; one step, one validation', () => {
    const one: MetricsLine[] = [
      { ...run, step: 1, epoch: 1, loss: 2, components: { contrastive: 2 }, learningRate: 0, seconds: 1 },
    ];
    const { all } = render(distillRecord(), [...one, validation(1, 0.5)]);
    expect(all('.panel h3').map((title) => title.textContent)).toEqual(['Loss', 'Validation', 'Learning rate']);
    expect(all('.keys').length).toBe(1);
  });

  test('without validation lines, the validations of the record', () => {
    const { all } = render(distillRecord(), steps(3));
    expect(all('.panel')[1].querySelector('figcaption').textContent).toContain('R@1 0.750, accuracy 0.875 at the end.');
  });

  test('a long run is drawn with at most 240 points a line', () => {
    const { all, text } = render(distillRecord(), steps(5000));
    for (const path of all('.panel [data-mark="line"] path')) {
      expect(path.getAttribute('d').split('L').length).toBeLessThanOrEqual(240);
    }
    expect(text).toContain('Each point is the mean of 21 recorded steps.');
  });
});

describe('the table', () => {
  test('only what was measured is a column; a metric that no table knows is one too', () => {
    const { columns, rows, notes } = resultsTable(distillRecord());
    expect(columns.map(({ label }) => label)).toEqual(['accuracy', 'R@1', 'calibration', 'MB', 'images/s', 'train']);
    expect(rows.map(({ method, cells }) => [method, ...cells.map(({ text }) => text)])).toEqual([
      ['teacher', '0.900', '–', '–', '–', '–', '–'],
      ['student', '0.875', '0.750', '0.100', '0.3', '4,000', '1m 05s'],
    ]);
    expect(notes).toEqual(['There are 2 classes; always answering the largest (cat) would score 0.600 (60.0 %).']);
  });

  test.each([40, 60, 80])('%i columns: no line is longer', (width) => {
    const text = renderTextTable(resultsTable(distillRecord()), { width });
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
  });
});
