/**
 * A student in a page: it embeds as in Node to 1e-5; trained in a worker it gets as far as in Node, survives a reload, leaves the page free,
 * and can be taken home. Times are printed, not asserted: they are the machine's.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { unzipFiles, zipFiles } from '../../src/runtime/zip.ts';
import { mlp } from '../../src/students/images/mlp.ts';
import { Student } from '../../src/training/student.ts';
import { type DistillTaskInput, distillTask } from '../../src/web/distill-task.ts';
import { MINILM, WORDNET } from '../material.ts';
import { worstError } from '../strategies/support.ts';
import { bagOfWordsRows, tinyStudent } from '../training/tiny-problem.ts';
import { findChromium, launch, NO_CHROMIUM, openPage, tell } from './chromium.ts';

const QUERIES = ['to move quickly', 'a piano', '', 'x '.repeat(200), 'ΑΣ — Straße 漢字'];
const DIMENSION = 64;

/** Glosses of verbs. */
function someTexts(count: number): string[] {
  const lines = readFileSync(join(WORDNET, 'data.verb'), 'utf8').split('\n');
  const glosses = lines
    .filter((line) => /^\d{8} /.test(line))
    .map((line) => line.slice(line.indexOf(' | ') + 3).trim());
  return [...new Set(glosses)].slice(0, count);
}

describe.skipIf(!findChromium())(`a student in a page${findChromium() ? '' : ` (${NO_CHROMIUM})`}`, () => {
  const { url, files } = inject('site');
  const texts = someTexts(5000);
  const rows = bagOfWordsRows(texts, DIMENSION);
  const small = tinyStudent(texts, { width: 32, dimension: DIMENSION, seed: 3 });
  const images = mlp({ widths: [6], channels: 1, size: 4, classes: 3, dimension: 5, seed: 2 });
  const options: Omit<DistillTaskInput, 'texts' | 'embeddings'> = {
    ...{ tokenizer: readFileSync(join(MINILM, 'tokenizer.json'), 'utf8'), maxTokens: 64, width: 64 },
    ...{ epochs: 3, batchSize: 256, optimizer: { learningRate: 0.01 } },
    strategy: { temperature: 0.07, negativesSampleSize: 512 },
    heldOut: { share: 0.1 },
  };
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    for (const [name, student] of Object.entries({ small, images })) {
      for (const [path, content] of student.toFiles()) {
        const file = join(files, name, path);
        mkdirSync(join(file, '..'), { recursive: true });
        writeFileSync(file, content);
      }
      writeFileSync(join(files, `${name}.zip`), zipFiles(student.toFiles()));
    }
    writeFileSync(join(files, 'texts.json'), JSON.stringify(texts));
    writeFileSync(join(files, 'rows.bin'), rows.data as Float32Array);
    browser = await launch();
    ({ page, complaints } = await openPage(browser, `${url}train.html`));
  });
  afterAll(() => browser?.close());

  it('embeds as in Node, to 1e-5: from a folder and from a .zip', async () => {
    const loaded = await Student.load(join(files, 'small'));
    const expected = (await loaded.embed(QUERIES)).data;
    await loaded.release();
    const { milliseconds, rows: first } = await page.evaluate(
      (query) => window.train.load('files/small/', query),
      QUERIES[0],
    );
    expect(worstError(first, expected.slice(0, DIMENSION))).toBeLessThan(1e-5);
    expect(worstError(await page.evaluate((q) => window.train.embed(q), QUERIES), expected)).toBeLessThan(1e-5);
    const queries = Array.from({ length: 200 }, (_, i) => `to move ${i}`);
    const times = (await page.evaluate((q) => window.train.latencies(q), queries)).sort((a, b) => a - b);
    tell(`first rows ${milliseconds.toFixed(0)} ms after a cold load; median query ${times[100].toFixed(2)} ms`);
    await page.evaluate(() => window.train.loadZip('files/small.zip'));
    expect(worstError(await page.evaluate((q) => window.train.embed(q), QUERIES), expected)).toBeLessThan(1e-5);
  });

  it('the student that a demo exported embeds as in Node, to 1e-5', async () => {
    const student = join(inject('page').run, 'student');
    cpSync(student, join(files, 'demo'), { recursive: true });
    const loaded = await Student.load(student);
    const expected = (await loaded.embed([...QUERIES, ...texts.slice(0, 100)])).data;
    await loaded.release();
    await page.evaluate((query) => window.train.load('files/demo/', query), QUERIES[0]);
    const found = await page.evaluate((asked) => window.train.embed(asked), [...QUERIES, ...texts.slice(0, 100)]);
    expect(worstError(found, expected)).toBeLessThan(1e-5);
    const times = (await page.evaluate((asked) => window.train.latencies(asked), texts.slice(0, 200))).sort(
      (a, b) => a - b,
    );
    tell(`the demo's student: median query ${times[100].toFixed(2)} ms`);
  });

  it('classifies pixels as in Node', async () => {
    const pixels = [0, 1, 2].map((k) => Array.from({ length: 16 }, (_, i) => ((i * 7 + k * 5) % 16) / 16));
    const loaded = await Student.load(join(files, 'images'));
    const expected = await loaded.classify(pixels.map((image) => Float32Array.from(image)));
    await loaded.release();
    await page.evaluate(() => window.train.loadZip('files/images.zip'));
    const found = await page.evaluate((images) => window.train.classify(images), pixels);
    expect(found.map(({ label }) => label)).toEqual(expected.map(({ label }) => label));
    for (const [i, { score }] of expected.entries()) expect(found[i].score).toBeCloseTo(score, 5);
  });

  it('what a worker cannot do is told with its code', async () => {
    expect((await page.evaluate(() => window.train.failures())).map(({ code }) => code)).toEqual([
      ...['INVALID_ARGUMENT', 'INVALID_ARGUMENT', 'FILE_UNREADABLE', 'FILE_CORRUPT', 'SHAPE_MISMATCH'],
    ]);
    expect(await page.evaluate(() => window.train.terminated())).toBe('ABORTED');
  });

  it('trained in the worker: R@1 of Node within 0.01, no long task, a zip that loads in Node', async () => {
    const events = new Set<string>();
    const context = { emit: ({ type }: { type: string }) => events.add(type), signal: new AbortController().signal };
    const embeddings = { rows: rows.rows, columns: rows.columns, data: rows.data as Float32Array };
    const inNode = await distillTask({ ...options, texts, embeddings }, context);
    // The observer sees a long task when there is one. (What a test evaluates is none: it runs outside the page's own tasks.)
    await page.evaluate(() => {
      setTimeout(() => {
        for (const end = performance.now() + 80; performance.now() < end; );
      });
    });
    await page.waitForFunction(() => window.train.longTasks().some((duration) => duration >= 75));
    const inPage = await page.evaluate((o) => window.train.run(o), options);
    if ('code' in inPage) throw new Error(inPage.message);
    const recall = [inNode, inPage].map(({ validation }) => validation.at(-1)!.metrics.recallAt1);
    tell(
      `R@1 ${recall.map((r) => r.toFixed(4)).join(' in Node, ')} in the page; ${inNode.steps} steps in ` +
        `${inNode.seconds.toFixed(1)} s and ${inPage.seconds.toFixed(1)} s`,
    );
    expect(inPage.steps).toBe(inNode.steps);
    expect(recall[0]).toBeGreaterThan(0.5);
    expect(Math.abs(recall[0] - recall[1])).toBeLessThan(0.01);
    const told = await page.evaluate(() => window.train.told());
    expect(new Set(told.types)).toEqual(events);
    expect(told.steps).toBe(inNode.steps);
    const longTasks = await page.evaluate(() => window.train.longTasks());
    tell(`long tasks of the page while training: ${longTasks.map(Math.round).join(', ') || 'none'}`);
    expect(Math.max(0, ...longTasks)).toBeLessThan(50);

    const [download] = await Promise.all([page.waitForEvent('download'), page.evaluate(() => window.train.download())]);
    const zip = unzipFiles(readFileSync(await download.path()), 'student.zip');
    const loaded = await Student.load(zip);
    const expected = (await loaded.embed(QUERIES)).data;
    await loaded.release();
    writeFileSync(join(files, 'trained.zip'), zipFiles(zip));
    await page.evaluate(() => window.train.loadZip('files/trained.zip'));
    expect(worstError(await page.evaluate((q) => window.train.embed(q), QUERIES), expected)).toBeLessThan(1e-5);
  });

  it('an abort reaches a worker that computes without a pause', async () => {
    const before = (await page.evaluate(() => window.train.told())).steps;
    const run = page.evaluate((o) => window.train.run(o), options);
    await page.waitForFunction((steps) => window.train.told().steps >= steps, before + 3);
    await page.evaluate(() => window.train.abort());
    expect(await run).toMatchObject({ code: 'ABORTED', message: expect.stringMatching(/after \d+ of 54 steps/) });
  });

  it('goes on after a reload in the middle, and after an abort, to the rows of an unbroken run', async () => {
    const unbroken = unzipFiles(readFileSync(join(files, 'trained.zip')), 'trained.zip');
    const saving = { ...options, checkpoint: { directory: 'runs/first', every: 5 } };
    const begin = () => page.evaluate((o) => window.train.run(o), saving).catch(() => undefined);
    const reached = (step: number) =>
      page.waitForFunction((least) => window.train.told().checkpoint >= least, step, { timeout: 60_000 });
    void begin();
    await reached(10);
    await page.reload();
    const stopped = begin();
    await reached(25);
    expect((await page.evaluate(() => window.train.told())).resumed).toBeGreaterThanOrEqual(10);
    await page.evaluate(() => window.train.abort());
    expect(await stopped).toMatchObject({
      code: 'ABORTED',
      message: expect.stringContaining('runs/first/last.safetensors'),
    });
    const ended = await page.evaluate((o) => window.train.run(o), saving);
    if ('code' in ended) throw new Error(ended.message);
    expect((await page.evaluate(() => window.train.told())).resumed).toBeGreaterThanOrEqual(25);
    const [download] = await Promise.all([page.waitForEvent('download'), page.evaluate(() => window.train.download())]);
    const zip = unzipFiles(readFileSync(await download.path()), 'student.zip');
    const [one, other] = await Promise.all([Student.load(unbroken), Student.load(zip)]);
    const [expected, found] = [await one.embed(texts.slice(0, 500)), await other.embed(texts.slice(0, 500))];
    await Promise.all([one.release(), other.release()]);
    expect(worstError(found.data, expected.data)).toBeLessThan(1e-6);
  });

  it('nothing was fetched from elsewhere, and nothing complained but of the file that is not there', () => {
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
  });
});
