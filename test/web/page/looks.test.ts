/**
 * How the page looks: each tab at work, at several widths, light and dark. Pictures are left in web/screenshots (not in git) to be looked at;
 * held here are that nothing overflows and that axe-core finds nothing.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { findChromium, launch, NO_CHROMIUM } from '../chromium.ts';
import { violations } from '../violations.ts';
import { openTab } from './open-page.ts';

const folder = fileURLToPath(new URL('../../../web/screenshots', import.meta.url));

/** Pixels; of these the first and the third have pictures. */
const WIDTHS = [390, 768, 1280, 1920];
const THEMES = ['light', 'dark'] as const;

/** Brings each tab to where it has most to show. */
const AT_WORK = {
  async search(page: Page) {
    await page.waitForSelector('#query:enabled');
    await page.locator('.chip').first().click();
    await page.locator('.hits').nth(1).waitFor();
    await page.mouse.move(0, 0);
  },
  async train(page: Page) {
    await page.getByRole('button', { name: 'Take the example' }).click();
    await page.getByText('numbers each').waitFor();
    await page.getByRole('spinbutton', { name: 'Steps' }).fill('80');
    await page.getByRole('button', { name: 'Start training' }).click();
    await page.getByRole('heading', { name: 'The student is ready' }).waitFor();
    await page.locator('.watch svg').first().waitFor();
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  },
  async read(page: Page) {
    await page.getByRole('button', { name: 'Read the example' }).click();
    await page.frameLocator('iframe').locator('h1').waitFor();
  },
  /** A message, and fields that are out of sight as a rule. */
  async error(page: Page) {
    await page.waitForSelector('#query:enabled');
    await page.getByText('Names of columns').click();
    await page
      .getByLabel('Index: choose files')
      .setInputFiles([{ name: 'index.csv', mimeType: 'text/csv', buffer: Buffer.from('a,b') }]);
    await page.locator('.error').waitFor();
  },
};

describe.skipIf(!findChromium())(`how the page looks${findChromium() ? '' : ` (${NO_CHROMIUM})`}`, () => {
  const { url } = inject('page');
  let browser: Browser;
  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    browser = await launch();
  });
  afterAll(() => browser?.close());

  it.each(Object.keys(AT_WORK) as (keyof typeof AT_WORK)[])('%s: nothing overflows, no violations', async (name) => {
    const { page, complaints } = await openTab(browser, url, name === 'error' ? 'search' : name);
    await AT_WORK[name](page);
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        // Two frames: observers of sizes have drawn by then.
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
        const [needed, there] = await page.evaluate(() => {
          const { scrollWidth, clientWidth } = document.documentElement;
          return [scrollWidth, clientWidth];
        });
        expect(needed, `${name} at ${width}`).toBeLessThanOrEqual(there);
        if (width === WIDTHS[0] || width === WIDTHS[2]) {
          await page.screenshot({ path: join(folder, `${name}-${width}-${theme}.png`), fullPage: true });
        }
        // A report in its frame runs no scripts, axe among them.
        expect(await violations(page, { iframes: false }), `${name}, ${theme}, ${width}`).toEqual([]);
      }
    }
    expect(complaints()).toEqual([]);
  });
});
