/** The page finds what Node finds, goes by keyboard too, and takes nothing from elsewhere. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { writeNpy } from '../../../src/data/npy.ts';
import { nearestRows } from '../../../src/evaluation/nearest-neighbours.ts';
import { Matrix } from '../../../src/matrix/matrix.ts';
import { Student } from '../../../src/training/student.ts';
import { findChromium, launch, NO_CHROMIUM } from '../chromium.ts';
import { heldOut } from './example.ts';
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
          await answered(opened.page, texts[query]);
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
      await answered(page, texts[3]);
      const [hits] = await lists(page);
      const order = hits.map(({ text }) => text);
      expect(order.indexOf('second')).toBe(order.indexOf('first') + 1);
      expect(hits.find(({ text }) => text === 'zeros')?.score).toBe('0.000');
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

/** Waits for the answer to a query: until then the one before is there. */
async function answered(page: Page, query: string): Promise<void> {
  await page.waitForFunction(
    (asked) => document.querySelector<HTMLElement>('[data-query]')?.dataset.query === asked,
    query,
  );
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
