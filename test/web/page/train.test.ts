/**
 * The tab Train does what it says: it trains, pauses, goes on after a reload and after a tab was closed, and gives a student and a run that
 * Node reads. Times are printed, not asserted but for a wide bound: they are the machine's.
 */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { retrieval } from '../../../src/evaluation/retrieval.ts';
import { parseHeldOut } from '../../../src/report/held-out.ts';
import { parseMetricsLines } from '../../../src/report/metrics-lines.ts';
import { parseRunRecord } from '../../../src/report/run-record.ts';
import { unzipFiles } from '../../../src/runtime/zip.ts';
import { Student } from '../../../src/training/student.ts';
import { findChromium, launch, NO_CHROMIUM } from '../chromium.ts';
import { collection, heldOut } from './example.ts';
import { choose, message, type OpenedPage, openTab } from './open-page.ts';

describe.skipIf(!findChromium())(`training on the page${findChromium() ? '' : ` (${NO_CHROMIUM})`}`, () => {
  const { url, run } = inject('page');
  const held = findChromium() ? heldOut(run) : undefined;
  let browser: Browser;
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
    browser = await launch();
    opened = await openTab(browser, url, 'train');
    // Kept over the reload, anew for each document.
    await opened.page.addInitScript(observeLongTasks);
    await opened.page.reload();
  });

  afterAll(() => browser?.close());

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
    await reached(page, 20);
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
      for (let k = 0; k < rows.data.length; k++) worst = Math.max(worst, Math.abs(rows.data[k] - kept.student.data[k]));
      expect(worst).toBeLessThan(1e-5);
    } finally {
      await student.release();
    }
  });

  it('keeps a trained student, to be had again on another visit, or deleted', async () => {
    const { page } = opened;
    await page.reload();
    await page.getByRole('heading', { name: 'A trained student is kept here' }).waitFor();
    await page.getByRole('button', { name: 'Get it again' }).click();
    await page.getByRole('heading', { name: 'The student is ready' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await page.getByRole('button', { name: 'Delete it' }).waitFor({ state: 'detached' });
    await page.reload();
    expect(
      await page.evaluate(async () => {
        const names: string[] = [];
        for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name);
        return names;
      }),
    ).toEqual([]);
  });

  it('a tab that is closed in the middle: another goes on from the last checkpoint', async () => {
    const { page } = opened;
    const first = await page.context().newPage();
    await first.goto(`${url}#train`);
    await choose(first, 'Texts with embeddings', collection(held!));
    await first.getByText(`with ${held!.teacher.columns} numbers each`).waitFor();
    await first.getByRole('spinbutton', { name: 'Steps' }).fill('5000');
    await first.getByRole('button', { name: 'Start training' }).click();
    await reached(first, 60);
    // The other tab cannot begin one of its own meanwhile.
    await page.reload();
    await page.getByRole('button', { name: 'Go on with it' }).click();
    await page.locator('.error').waitFor();
    expect(await message(page)).toContain('expected no other tab of this page to be training');
    await first.close();
    await page.reload();
    const words = (await page.getByText('saved after step').textContent()) ?? '';
    const step = Number(/after step (\d+)/.exec(words)?.[1]);
    expect(step % 50).toBe(0);
    expect(step).toBeGreaterThanOrEqual(50);
    await page.getByRole('button', { name: 'Go on with it' }).click();
    await reached(page, step + 1);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    expect(await message(page)).toBe('');
  });

  it.each([
    ['infonce', '0.8'],
    ['triplet', '1'],
    ['crd', '0.5'],
    ['ntxent', '0'],
  ])('trains in mode %s with weight %s', async (mode, weight) => {
    const { page } = opened;
    await choose(page, 'Texts with embeddings', collection(held!, 300));
    await page.getByText('300 texts with').waitFor();
    await page.getByLabel('Mode').selectOption(mode);
    await page.getByLabel('Contrastive weight').fill(weight);
    await page.getByRole('spinbutton', { name: 'Steps' }).fill('6');
    await page.getByRole('button', { name: 'Start training' }).click();
    await page.getByRole('heading', { name: 'Trained in' }).waitFor();
    expect(await message(page)).toBe('');
  });

  it('too few texts to hold some out: says so, and keeps what was there before', async () => {
    const { page } = opened;
    await choose(page, 'Texts with embeddings', collection(held!, 12));
    await page.getByText('12 texts with').waitFor();
    await page.getByRole('button', { name: 'Start training' }).click();
    await page.locator('.error').waitFor();
    expect(await message(page)).toContain('expected enough texts to hold a tenth of them out, 100 or so, got 12');
    expect(await page.getByRole('button', { name: 'Start training' }).isEnabled()).toBe(true);
    await page.reload();
    await page.getByText('300 texts, trained to the end, 6 steps').waitFor();
  });

  it('nothing came from elsewhere, and nothing complained', () => expect(opened.complaints()).toEqual([]));
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

/** Waits for a step of the training that the page shows. */
async function reached(page: Page, step: number): Promise<void> {
  await page.waitForFunction(
    (least) =>
      Number((document.querySelector('.live .facts strong')?.textContent ?? '').split('/')[0].replace(',', '')) >=
      least,
    step,
  );
}

/** Milliseconds of each task over 50 ms since the last call. */
function longTasks(page: Page): Promise<number[]> {
  return page.evaluate(() => (globalThis as unknown as { longTasks: number[] }).longTasks.splice(0));
}
