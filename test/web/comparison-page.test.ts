/**
 * How the page of a comparison looks: at the widths of a phone and of a desk, light and dark. Pictures are left in web/screenshots (not in
 * git) to be looked at; held here are that nothing overflows, that no words of a picture run into others or are cut off, and that they can be read.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseHTML } from 'linkedom';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Random } from '../../src/matrix/random.ts';
import { summarizeComparison } from '../../src/report/comparison-summary.ts';
import { renderComparison } from '../../src/report/render-comparison.ts';
import { sampleComparison } from '../report/sample-comparison.ts';
import { findChromium, launch, NO_CHROMIUM } from './chromium.ts';
import { violations } from './violations.ts';

const folder = fileURLToPath(new URL('../../web/screenshots', import.meta.url));

const WIDTHS = [390, 1280];
const THEMES = ['light', 'dark'] as const;
/** Pixels from the top of the letters to their bottom, as they are seen. */
const LEAST_HEIGHT = 11;

describe.skipIf(!findChromium())(`the page of a comparison${findChromium() ? '' : ` (${NO_CHROMIUM})`}`, () => {
  const file = join(inject('site').files, 'comparison', 'report.html');
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    mkdirSync(join(file, '..'), { recursive: true });
    const parts = sampleComparison(sentences(150));
    const summary = summarizeComparison({ ...parts, scores: new Map() });
    const { document } = parseHTML('<!doctype html><html></html>');
    writeFileSync(file, renderComparison({ ...parts, summary, document }));
    browser = await launch();
    page = await browser.newPage();
    await page.goto(pathToFileURL(file).href);
  });
  afterAll(() => browser?.close());

  it.each(WIDTHS)(
    'at %d pixels: nothing overflows, no words overlap, all can be read, no violations',
    async (width) => {
      const asked: string[] = [];
      const errors: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      page.on('pageerror', ({ message }) => errors.push(message));
      await page.setViewportSize({ width, height: 900 });
      await page.goto(pathToFileURL(file).href);
      for (const details of await page.locator('summary').all()) await details.click();
      for (const theme of THEMES) {
        await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
        await page.screenshot({ path: join(folder, `comparison-${width}-${theme}.png`), fullPage: true });
        expect(await violations(page), `${theme}, ${width}`).toEqual([]);
      }
      expect(asked).toEqual([pathToFileURL(file).href]);
      expect(errors).toEqual([]);
      const [needed, there] = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return [scrollWidth, clientWidth];
      });
      expect(needed).toBeLessThanOrEqual(there);
      expect(await page.locator('figure svg').count()).toBeGreaterThan(20);
      expect(await wrongWords(page, LEAST_HEIGHT)).toEqual([]);
    },
  );

  it('a dot under the pointer is shown with its text, in every map', async () => {
    await page.setViewportSize({ width: 1280, height: 900 });
    const dot = page.locator('.maps circle[data-i="7"]').first();
    // Not by the mouse: others may lie over it.
    await dot.dispatchEvent('pointerover');
    expect(await page.locator('.maps circle.hit').count()).toBe(3);
    expect(await page.locator('#reading').textContent()).toContain(' — noun.class-');
  });

  it('prints: no picture is cut by the end of a sheet, and controls are left out', async () => {
    await page.emulateMedia({ media: 'print', colorScheme: 'light' });
    expect(await page.locator('details').first().isVisible()).toBe(false);
    const pdf = await page.pdf({ format: 'A4', path: join(folder, 'comparison.pdf') });
    expect(pdf.length).toBeGreaterThan(10_000);
  });
});

/** Texts of 2 to 30 words, some of them long. */
function sentences(count: number): string[] {
  const words =
    'of a the large small musical instrument quickly on foot domestic animal characterized by interdenominational'.split(
      ' ',
    );
  const random = new Random(1);
  return Array.from({ length: count }, () =>
    Array.from({ length: 2 + random.integer(29) }, () => words[random.integer(words.length)]).join(' '),
  );
}

/** Words of pictures that lie over others, stick out of their panel, or are too small; and words beside pictures that are cut off. */
function wrongWords(page: Page, least: number): Promise<string[]> {
  return page.evaluate((smallest) => {
    const found: string[] = [];
    for (const figure of document.querySelectorAll('figure')) {
      const title = figure.querySelector('h3')?.textContent;
      const frame = figure.getBoundingClientRect();
      const words = [...figure.querySelectorAll('svg text')].flatMap((text) => {
        const { left, right, top, bottom } = text.getBoundingClientRect();
        return text.textContent?.trim() ? [{ text: text.textContent, left, right, top, bottom }] : [];
      });
      for (const [i, a] of words.entries()) {
        if (a.bottom - a.top < smallest) found.push(`${title}: "${a.text}" is ${a.bottom - a.top} pixels high`);
        if (a.left < frame.left || a.right > frame.right) found.push(`${title}: "${a.text}" is outside`);
        for (const b of words.slice(i + 1)) {
          if (a.left < b.right && b.left < a.right && a.top < b.bottom - 1 && b.top < a.bottom - 1) {
            found.push(`${title}: "${a.text}" over "${b.text}"`);
          }
        }
      }
    }
    for (const cell of document.querySelectorAll<HTMLElement>('dd, li, h1, h2, h3, h4, p')) {
      if (cell.scrollWidth > cell.clientWidth + 1 && getComputedStyle(cell).display !== 'inline') {
        found.push(`cut off: ${cell.textContent?.slice(0, 60)}`);
      }
    }
    return found;
  }, least);
}
