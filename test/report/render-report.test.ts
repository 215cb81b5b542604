import { Script } from 'node:vm';
import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import type { EmbeddingMap } from '../../src/report/held-out.ts';
import { escapeHtml, html } from '../../src/report/html.ts';
import type { MetricsLine } from '../../src/report/metrics-lines.ts';
import type { XY } from '../../src/report/project-together.ts';
import { renderReport } from '../../src/report/render-report.ts';
import { sampleRecord } from './sample-record.ts';

const hostile = `<script>alert("x")</script><img src=x onerror='alert(1)'> & more`;

const curves = (methods: string[], seeds: number[], steps = 50): MetricsLine[] =>
  methods.flatMap((method) =>
    seeds.flatMap((seed) =>
      Array.from({ length: steps }, (_, step) => ({
        method,
        seed,
        step,
        epoch: 0,
        loss: 1 / (1 + step) + 0.01 * seed,
        components: {},
        learningRate: 0.001,
        seconds: step,
      })),
    ),
  );

const points = (count: number, shift: number): XY[] =>
  Array.from({ length: count }, (_, i) => [i + shift, (i * 7) % 11]);

function sampleMap(count = 12): EmbeddingMap {
  return {
    classNames: ['noun.act', 'noun.body', 'verb.change'],
    labels: Array.from({ length: count }, (_, i) => i % 3),
    texts: Array.from({ length: count }, (_, i) => `text number ${i}`),
    teacher: points(count, 0),
    student: points(count, 0.5),
  };
}

function render(overrides: Partial<Parameters<typeof renderReport>[0]> = {}) {
  const { document } = parseHTML('<html></html>');
  const text = renderReport({
    record: sampleRecord(3),
    curves: curves(['cosine', 'ntxent-bank'], [0, 1, 2]),
    map: sampleMap(),
    document,
    ...overrides,
  });
  // biome-ignore lint/suspicious/noExplicitAny: linkedom's types need DOM types, which the tests do not load
  return { text, page: parseHTML(text).document as any };
}

describe('renderReport', () => {
  const { text, page } = render();
  const all = (selector: string) => [...page.querySelectorAll(selector)];

  test('one complete document: doctype, language, title, one main heading', () => {
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(page.querySelector('title').textContent).toBe('Distilling big-encoder · Limbeck');
    expect(all('h1').length).toBe(1);
  });

  test('loads nothing: no address but the SVG namespace, no link, no outside script or image', () => {
    const addresses = new Set(text.match(/https?:\/\/[^"'\s)<]+/g));
    expect([...addresses].filter((address) => !address.startsWith('http://www.w3.org/'))).toEqual([]);
    expect(all('link, img, iframe, [src], [href]')).toEqual([]);
    expect(all('script').length).toBe(1);
    expect(text).not.toMatch(/url\(|@import/);
  });

  test('says in plain words what happened', () => {
    expect(page.querySelector('.lede').textContent.replaceAll('\u00a0', ' ')).toBe(
      'big-encoder, 23 million parameters in 45.4 MB, was distilled into a student of 6.8 MB, 6.7 times smaller. ' +
        "For 96.7 % of 1,000 texts that it never saw, the student's row finds the teacher's row of the same text first " +
        '(95.6 % with plain cosine regression, 0.1 % before training).',
    );
  });

  test('the verdict, metric by metric', () => {
    expect(all('.verdicts li').map((item) => item.querySelector('.pill').textContent)).toEqual([
      'beats',
      'no clear difference',
      'no clear difference',
      'loses to',
      'no clear difference',
    ]);
  });

  test('the table has headers with scope, and the numbers of the record', () => {
    const table = page.querySelector('table.results');
    const scopes = [...table.querySelectorAll('th')].map((cell) => cell.getAttribute('scope'));
    expect(scopes).toEqual([...Array(9).fill('col'), ...Array(4).fill('row')]);
    expect(table.querySelector('caption')).not.toBeNull();
    const rows = [...table.querySelectorAll('tbody tr')].map((row) => row.textContent.replace(/\s+/g, ' ').trim());
    expect(rows[3]).toMatch(/^NT-Xent \+ teacher bank 3 seeds ?0\.967 ± 0\.001/);
  });

  test('a labelled picture for every objective, with a line for every seed', () => {
    const pictures = all('svg');
    expect(pictures.length).toBe(4);
    for (const picture of pictures) {
      expect(picture.getAttribute('role')).toBe('img');
      expect(picture.getAttribute('aria-label').length).toBeGreaterThan(20);
    }
    expect(pictures[0].getAttribute('aria-label')).toContain('cosine regression over 49 steps, 3 line(s)');
    expect(pictures.slice(0, 2).map((svg) => svg.querySelectorAll('[data-mark="line"] path').length)).toEqual([3, 3]);
  });

  test('the script is one that a browser can read', () => {
    expect(() => new Script(page.querySelector('script').textContent)).not.toThrow();
  });

  test('both maps: every text once, same colour and number in both, its text as title', () => {
    const [teacher, student] = all('.maps svg').map((svg) => [...svg.querySelectorAll('circle')]);
    const seen = (circles: typeof teacher) =>
      circles.map((c) => `${c.getAttribute('data-i')} ${c.parentNode.getAttribute('class')} ${c.textContent}`).sort();
    expect(teacher.length).toBe(12);
    expect(seen(student)).toEqual(seen(teacher));
    const fourth = teacher.find((circle) => circle.getAttribute('data-i') === '4');
    expect(fourth.textContent).toBe('text number 4\nnoun.body');
    const layer = fourth.parentNode.getAttribute('class');
    const place = all('.legend label').findIndex((label) => label.textContent.includes('noun.body'));
    expect(layer).toContain(`key-${place - 1}`);
  });

  test('both maps are drawn to one scale', () => {
    const at = (svg: (typeof page)['x'], i: number) =>
      Number(svg.querySelector(`circle[data-i="${i}"]`).getAttribute('cx'));
    const [teacher, student] = all('.maps svg');
    const unit = at(teacher, 1) - at(teacher, 0);
    expect(unit).toBeGreaterThan(0);
    expect(at(student, 5) - at(teacher, 5)).toBeCloseTo(0.5 * unit, 6);
  });

  test('no dot falls outside its frame, also when the student lies far from the teacher', () => {
    const { page: far } = render({ map: { ...sampleMap(), student: points(12, 300) } });
    for (const circle of far.querySelectorAll('.maps circle')) {
      for (const axis of ['cx', 'cy']) {
        expect(Number(circle.getAttribute(axis))).toBeGreaterThan(0);
        expect(Number(circle.getAttribute(axis))).toBeLessThan(500);
      }
    }
  });

  test('configuration and machine, without [object Object] or null', () => {
    const facts = page.querySelector('.facts').textContent;
    for (const part of ['20000', '0, 1, 2', 'none', 'A CPU', '4.0 GiB', '1.30.0', 'noun.artifact, 12.1 %']) {
      expect(facts).toContain(part);
    }
    expect(text.replace(/<script>.*<\/script>/s, '')).not.toMatch(/NaN|undefined|\[object|>null</);
  });

  test('text from outside is inert wherever it stands', () => {
    const record = sampleRecord(1);
    record.command = hostile;
    record.data.name = hostile;
    Object.assign(record.teacher as object, { name: hostile });
    record.data.majorityClass = { name: hostile, share: 0.5 };
    record.machine.cpu = hostile;
    record.config = { [hostile]: hostile };
    for (const result of record.results) result.label = hostile;
    const map = { ...sampleMap(3), classNames: [hostile, hostile, hostile], texts: [hostile, hostile, hostile] };
    const attacked = render({ record, map });
    expect(attacked.text).not.toContain('<script>alert');
    expect(attacked.text).not.toContain('<img');
    expect([...attacked.page.querySelectorAll('script')].length).toBe(1);
    expect([...attacked.page.querySelectorAll('img, [onerror]')]).toEqual([]);
    // Inert, but still there to be read.
    expect(attacked.page.querySelector('circle').textContent).toBe(`${hostile}\n${hostile}`);
    expect(attacked.page.querySelector('code').textContent).toBe(hostile);
  });

  test('an unfinished run: no curves, no map, no results, and it says so', () => {
    const record = { ...sampleRecord(1), status: 'running' as const, finishedAt: null, results: [] };
    const early = render({ record, curves: [], map: null }).page.querySelector('main').textContent;
    for (const part of [
      'no trained student yet',
      'No verdict yet',
      'No results yet',
      'No training curves',
      'No map',
      'not finished',
    ]) {
      expect(early).toContain(part);
    }
  });

  test('one seed, one text, one class', () => {
    const { page: small } = render({ record: sampleRecord(1), curves: curves(['cosine'], [4], 1), map: sampleMap(1) });
    expect(small.querySelectorAll('.maps circle').length).toBe(2);
    expect(small.querySelector('.verdicts').textContent).toContain('not judged');
  });

  test('a long run is drawn with at most 240 points a line, and the caption says so', () => {
    const { page: long, text } = render({ curves: curves(['cosine'], [0], 2000) });
    const path = long.querySelector('[data-mark="line"] path').getAttribute('d');
    expect(path.split('L').length).toBeLessThanOrEqual(240);
    expect(text).toContain('each point is the mean of 9 recorded steps');
  });

  test('a map whose parts do not belong together is refused', () => {
    const map = { ...sampleMap(3), student: points(2, 0) };
    expect(() => render({ map })).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
  });
});

test('html escapes what is inserted, and only that', () => {
  expect(escapeHtml(`<a b="c" d='e'>&`)).toBe('&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;');
  expect(html`<p>${'<b>'}${html`<i>${1}</i>`}${[html`<u></u>`, '&']}</p>`.text).toBe(
    '<p>&lt;b&gt;<i>1</i><u></u>&amp;</p>',
  );
});
