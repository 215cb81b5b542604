/** Wrong files on the page, each with one clear message, no crash and no script that runs; and markup in right ones, which stays text. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { findChromium, launch, NO_CHROMIUM } from '../chromium.ts';
import { choose, message, type OpenedPage, openTab } from './open-page.ts';
import { MARKUP, type Place, wrongFiles } from './wrong-files.ts';

const TABS = { Student: 'search', Index: 'search', 'Texts with embeddings': 'train', 'Run directory': 'read' } as const;

describe.skipIf(!findChromium())(`wrong files${findChromium() ? '' : ` (${NO_CHROMIUM})`}`, () => {
  const { url, run } = inject('page');
  const cases = findChromium() ? wrongFiles(run) : [];
  let browser: Browser;
  const opened = new Map<string, OpenedPage>();
  const pageFor = (place: Place): OpenedPage => opened.get(TABS[place])!;
  const trapped = (page: Page): Promise<unknown> => page.evaluate(() => (globalThis as { trapped?: boolean }).trapped);

  beforeAll(async () => {
    browser = await launch();
    for (const tab of ['search', 'train', 'read'] as const) opened.set(tab, await openTab(browser, url, tab));
    await pageFor('Index').page.waitForSelector('#query:enabled');
  });
  afterAll(() => browser?.close());

  it('are more than twenty', () => expect(cases.length).toBeGreaterThan(20));

  it.each(cases)('$place: $what', async ({ place, files, says }) => {
    const { page, complaints } = pageFor(place);
    await choose(page, place, files);
    const alert = page.locator('[role=tabpanel]:not([hidden]) [role=alert] .error');
    await alert.first().waitFor();
    expect(await message(page)).toContain(says);
    expect(await alert.count()).toBe(1);
    // Its last sentence says what to do; nothing of a stack or of another realm's object is in it.
    expect(await message(page)).toMatch(/^[A-Z_]+ .*\.$/s);
    expect(await message(page)).not.toMatch(/undefined|\[object|\bat .*\.js/);
    expect(await trapped(page)).toBeUndefined();
    expect(complaints()).toEqual([]);
    await page.getByRole('button', { name: 'Dismiss' }).click();
    expect(await message(page)).toBe('');
  });

  it('leave a page that still works', async () => {
    const { page } = pageFor('Index');
    await page.fill('#query', 'a large musical instrument');
    await page.waitForSelector('.hits li');
    expect(await page.locator('.hits').first().locator('li').count()).toBe(5);
  });

  it('texts of markup are shown as they are', async () => {
    const { page, complaints } = pageFor('Texts with embeddings');
    await choose(page, 'Texts with embeddings', [
      { name: 'texts.jsonl', content: `${JSON.stringify({ text: MARKUP, embedding: [1, 2] })}\n` },
    ]);
    await page.getByText('1 text with 2 numbers each').waitFor();
    expect(await page.locator('#panel-train').textContent()).toContain(MARKUP);
    expect(await trapped(page)).toBeUndefined();
    expect(complaints()).toEqual([]);
  });

  it('a report of markup is drawn as it is, in a frame that runs nothing', async () => {
    const { page, complaints } = pageFor('Run directory');
    const record = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'));
    const name = `${MARKUP}<script>parent.trapped=true</script>`;
    const marked = { ...record, teacher: { ...record.teacher, name }, data: { ...record.data, name } };
    await choose(page, 'Run directory', [{ name: 'run.json', content: JSON.stringify(marked) }]);
    const frame = page.frameLocator('iframe');
    await frame.locator('h1').waitFor();
    expect(await frame.locator('h1').textContent()).toContain(name);
    expect(await page.locator('iframe').getAttribute('sandbox')).toBe('allow-same-origin');
    expect(await trapped(page)).toBeUndefined();
    expect(complaints()).toEqual([]);
  });
});
