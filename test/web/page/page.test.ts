/**
 * The page does what it says: it finds what Node finds, trains, pauses, goes on after a reload, and gives a student that loads in Node; all by
 * keyboard too, and with nothing from elsewhere. Times are printed, not asserted but for a wide bound: they are the machine's.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { writeNpy } from '../../../src/data/npy.ts';
import { nearestRows } from '../../../src/evaluation/nearest-neighbours.ts';
import { retrieval } from '../../../src/evaluation/retrieval.ts';
import { Matrix } from '../../../src/matrix/matrix.ts';
import { parseHeldOut } from '../../../src/report/held-out.ts';
import { parseMetricsLines } from '../../../src/report/metrics-lines.ts';
import { parseRunRecord } from '../../../src/report/run-record.ts';
import { unzipFiles } from '../../../src/runtime/zip.ts';
import { Student } from '../../../src/training/student.ts';
import { findChromium, launch, NO_CHROMIUM } from '../chromium.ts';
import { choose, message, type OpenedPage, openTab } from './open-page.ts';

describe.skipIf(!findChromium())(`the page${findChromium() ? '' : ` (${NO_CHROMIUM})`}`, () => {
  const { url, run } = inject('page');
  const held = findChromium() ? heldOut(run) : undefined;
  let browser: Browser;

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  describe('search', () => {
    let opened: OpenedPage;
    beforeAll(async () => {
      opened = await openTab(browser, url, 'search');
      await opened.page.waitForSelector('#query:enabled');
    });

    it("finds what Node finds in the teacher's rows, and shows what the teacher finds", async () => {
      const { texts, teacher } = held!;
      const documents = texts.map((_, i) => i).filter((i) => i % 10 !== 9);
      const index = teacher.gather(documents);
      const student = await Student.load(join(run, 'student'));
      try {
        for (const query of [9, 19, 29]) {
          await opened.page.fill('#query', texts[query]);
          await opened.page.locator('.hits').nth(1).waitFor();
          const shown = await lists(opened.page);
          const row = (await student.embed([texts[query]])).row(0);
          for (const [place, expected] of [row, teacher.row(query)].entries()) {
            const { indices, scores } = nearestRows(expected, index, 5);
            expect(shown[place].map(({ text }) => text)).toEqual(Array.from(indices, (i) => texts[documents[i]]));
            expect(shown[place].map(({ score }) => score)).toEqual(Array.from(scores, (score) => score.toFixed(3)));
          }
        }
      } finally {
        await student.release();
      }
    });

    it('says that the teacher is not here for other queries, and nothing for none', async () => {
      const { page } = opened;
      await page.fill('#query', 'a large musical instrument');
      await page.getByText('the teacher itself is not on this page').waitFor();
      expect(await page.locator('.hits').count()).toBe(1);
      await page.fill('#query', '   ');
      await page.waitForFunction(() => document.querySelectorAll('.hits').length === 0);
    });

    it('takes an index of its own: duplicates in order, a row of zeros, fewer rows than hits', async () => {
      const { page } = opened;
      const { texts, teacher } = held!;
      const rows = Matrix.zeros(4, teacher.columns);
      for (const [place, number] of [3, 0, 3].entries()) rows.data.set(teacher.row(number), place * rows.columns);
      await choose(page, 'Index', [
        { name: 'rows.npy', content: writeNpy(rows) },
        {
          name: 'texts.jsonl',
          content: ['first', 'other', 'second', 'zeros'].map((text) => `{"text": "${text}"}\n`).join(''),
        },
      ]);
      await page.getByText('4 texts of texts.jsonl and rows.npy').waitFor();
      await page.fill('#query', texts[3]);
      await page.waitForFunction(() => document.querySelectorAll('.hits li').length === 4);
      const [hits] = await lists(page);
      const order = hits.map(({ text }) => text);
      expect(order.indexOf('second')).toBe(order.indexOf('first') + 1);
      expect(hits.find(({ text }) => text === 'zeros')?.score).toBe('0.000');
      expect(await message(page)).toBe('');
    });

    it('nothing came from elsewhere, and nothing complained', () => expect(opened.complaints()).toEqual([]));
  });

  describe('train', () => {
    let opened: OpenedPage;
    const events = async (page: Page, what: string): Promise<string> => (await page.locator(what).textContent()) ?? '';
    const downloaded = async (page: Page, button: string): Promise<Map<string, Uint8Array>> => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: button }).click(),
      ]);
      return unzipFiles(readFileSync(await download.path()), download.suggestedFilename());
    };
    beforeAll(async () => {
      opened = await openTab(browser, url, 'train');
      // Kept over the reload, anew for each document.
      await opened.page.addInitScript(observeLongTasks);
      await opened.page.reload();
    });

    it('refuses settings by their name and bounds, before anything else happens', async () => {
      const { page } = opened;
      await choose(page, 'Texts with embeddings', collection(held!));
      await page.getByText(`with ${held!.teacher.columns} numbers each`).waitFor();
      await page.getByLabel('Temperature').fill('0');
      await page.getByRole('button', { name: 'Start training' }).click();
      expect(await message(page)).toContain('Temperature: expected a number from 0.005 to 10, got "0"');
      await page.getByLabel('Temperature').fill('0.05');
    });

    it('pauses, goes on after a reload, and ends with a student and a run that Node reads', async () => {
      const { page } = opened;
      await page.getByRole('spinbutton', { name: 'Steps' }).fill('200');
      await page.getByLabel('Width').fill('48');
      // Handing files over is the test's own work.
      await longTasks(page);
      await page.getByRole('button', { name: 'Start training' }).click();
      await page.waitForFunction(
        () => Number.parseInt(document.querySelector('.live .facts strong')?.textContent ?? '0', 10) >= 20,
      );
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('heading', { name: 'Paused' }).waitFor();
      const at = Number.parseInt(await events(page, '.live .facts li:first-child strong'), 10);
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Resume');
      const longest = [await longTasks(page)];

      await page.reload();
      await page.getByText(`saved after step ${at} of`).waitFor();
      expect(await page.getByLabel('Width').inputValue()).toBe('48');
      await page.getByRole('button', { name: 'Go on with it' }).click();
      await page.getByRole('heading', { name: 'The student is ready' }).waitFor({ timeout: 50_000 });
      longest.push(await longTasks(page));
      process.stdout.write(
        `paused after step ${at}; tasks of the page over 50 ms: ${longest.flat().join(', ') || 'none'}\n`,
      );
      // A busy machine may stretch one; drawing anew with each step would show here.
      expect(Math.max(0, ...longest.flat())).toBeLessThan(150);

      const files = await downloaded(page, 'Download the run');
      const text = (path: string): string => new TextDecoder().decode(files.get(path));
      const record = parseRunRecord(text('run.json'));
      const lines = parseMetricsLines(text('metrics.jsonl')).filter((line) => 'loss' in line);
      // No step is missing where the run was broken, and none is there twice.
      expect(lines.map(({ step }) => step)).toEqual(lines.map((_, i) => i + 1));
      const kept = parseHeldOut(
        { name: 'texts', content: text('held-out/texts.jsonl') },
        { name: 'rows', content: files.get('held-out/rows.safetensors')! },
      );
      const student = await Student.load(await downloaded(page, 'Download the student'));
      try {
        const rows = await student.embed(kept.texts);
        const recallAt1 = retrieval(rows, kept.teacher).recallAt[1];
        expect(recallAt1).toBeCloseTo(record.results[0].metrics.recallAt1, 2);
        // Chance is one in as many texts.
        expect(recallAt1).toBeGreaterThan(0.15);
        let worst = 0;
        for (let k = 0; k < rows.data.length; k++)
          worst = Math.max(worst, Math.abs(rows.data[k] - kept.student.data[k]));
        expect(worst).toBeLessThan(1e-5);
      } finally {
        await student.release();
      }
    });

    it.each(['infonce', 'triplet', 'crd'])('trains in mode %s', async (mode) => {
      const { page } = opened;
      await choose(page, 'Texts with embeddings', collection(held!, 300));
      await page.getByText('300 texts with').waitFor();
      await page.getByLabel('Mode').selectOption(mode);
      await page.getByRole('spinbutton', { name: 'Steps' }).fill('6');
      await page.getByRole('button', { name: 'Start training' }).click();
      await page.getByRole('heading', { name: 'Trained in' }).waitFor();
      expect(await message(page)).toBe('');
    });

    it('nothing came from elsewhere, and nothing complained', () => expect(opened.complaints()).toEqual([]));
  });

  it('tabs go by arrow keys, and the policy is on the page', async () => {
    const { page, complaints } = await openTab(browser, url, 'search');
    await page.getByRole('tab', { name: 'Search' }).focus();
    await page.keyboard.press('ArrowRight');
    expect(await page.evaluate(() => [location.hash, document.activeElement?.id])).toEqual(['#train', 'tab-train']);
    await page.keyboard.press('End');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(
      'Run directory: choose files',
    );
    expect(await page.locator('[role=tabpanel]:not([hidden])').count()).toBe(1);
    expect(await page.locator('#policy').textContent()).toContain("default-src 'none'");
    // The policy is not only stated.
    const refused = await page.evaluate(() =>
      fetch('https://example.org/').then(
        () => 'sent',
        () => 'refused',
      ),
    );
    expect(refused).toBe('refused');
    expect(complaints().filter((text) => !text.includes('example.org'))).toEqual([]);
  });
});

/** Runs in the page. */
function observeLongTasks(): void {
  const seen: number[] = [];
  Object.assign(globalThis, { longTasks: seen });
  const keep = (list: PerformanceObserverEntryList): void => {
    seen.push(...list.getEntries().map(({ duration }) => duration));
  };
  new PerformanceObserver(keep).observe({ type: 'longtask' });
}

/** Milliseconds of each task over 50 ms since the last call. */
function longTasks(page: Page): Promise<number[]> {
  return page.evaluate(() => (globalThis as unknown as { longTasks: number[] }).longTasks.splice(0));
}

function heldOut(run: string) {
  const [texts, rows] = ['texts.jsonl', 'rows.safetensors'].map((name) => join(run, 'held-out', name));
  return parseHeldOut(
    { name: texts, content: readFileSync(texts, 'utf8') },
    { name: rows, content: readFileSync(rows) },
  );
}

function collection({ texts, teacher }: { texts: readonly string[]; teacher: Matrix }, count = texts.length) {
  const lines = texts.slice(0, count).map((text, i) => JSON.stringify({ text, embedding: Array.from(teacher.row(i)) }));
  return [{ name: 'texts.jsonl', content: `${lines.join('\n')}\n` }];
}

/** The hits of the lists that are shown. */
async function lists(page: Page): Promise<{ text: string; score: string }[][]> {
  return page.locator('.hits').evaluateAll((all) =>
    all.map((list) =>
      [...list.querySelectorAll('li')].map((item) => ({
        text: item.querySelector('.hit-text')?.textContent ?? '',
        score: /-?\d\.\d+/.exec(item.querySelector('.hit-score')?.textContent ?? '')?.[0] ?? '',
      })),
    ),
  );
}
