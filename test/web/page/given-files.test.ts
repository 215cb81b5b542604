/** The ways by which files get to the page: a folder that is chosen, files that are dropped, Parquet; and the report is that of the command. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parseMetricsLines } from '../../../src/report/metrics-lines.ts';
import { renderReport } from '../../../src/report/render-report.ts';
import { parseRunRecord } from '../../../src/report/run-record.ts';
import { fixture } from '../../data/temporary-files.ts';
import { findChromium, launch, NO_CHROMIUM } from '../chromium.ts';
import { choose, message, openTab } from './open-page.ts';

describe.skipIf(!findChromium())(`files given to the page${findChromium() ? '' : ` (${NO_CHROMIUM})`}`, () => {
  const { url, run } = inject('page');
  const text = (path: string): string => readFileSync(join(run, path), 'utf8');
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  it('run.json and metrics.jsonl: the report of limbeck report, letter by letter', async () => {
    const { page, complaints } = await openTab(browser, url, 'read');
    const files = ['run.json', 'metrics.jsonl'].map((name) => ({ name, content: text(name) }));
    await choose(page, 'Run directory', files);
    await page.frameLocator('iframe').locator('h1').waitFor();
    const expected = renderReport({
      record: parseRunRecord(text('run.json')),
      curves: parseMetricsLines(text('metrics.jsonl')),
      map: null,
      document: parseHTML('<!doctype html><html></html>').document,
    });
    expect(await page.locator('iframe').getAttribute('srcdoc')).toBe(expected);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download report.html' }).click(),
    ]);
    expect(readFileSync(await download.path(), 'utf8')).toBe(expected);
    // The frame is as high as what it shows.
    const [inner, outer] = await page
      .locator('iframe')
      .evaluate((frame: HTMLIFrameElement) => [
        frame.contentDocument!.documentElement.getBoundingClientRect().height,
        frame.clientHeight,
      ]);
    expect(Math.abs(inner - outer)).toBeLessThan(4);
    expect(complaints()).toEqual([]);
  });

  it('a folder: the run in it with its map, wherever the folder lies', async () => {
    const { page, complaints } = await openTab(browser, url, 'read');
    await page.getByLabel('Run directory: choose a folder').setInputFiles(run);
    const maps = page.frameLocator('iframe').locator('.maps circle');
    await maps.first().waitFor();
    const texts = text('held-out/texts.jsonl').trim().split('\n').length;
    expect(await maps.count()).toBe(2 * texts);
    expect(complaints()).toEqual([]);
  });

  it('a folder: a student', async () => {
    const { page, complaints } = await openTab(browser, url, 'search');
    await page.waitForSelector('#query:enabled');
    await page.getByLabel('Student: choose a folder').setInputFiles(join(run, 'student'));
    await page.waitForFunction(() => document.querySelectorAll('.facts li').length > 0);
    await page.fill('#query', 'a large musical instrument');
    await page.locator('.hits li').first().waitFor();
    expect(await message(page)).toBe('');
    expect(complaints()).toEqual([]);
  });

  it('dropped files; beside a place they do nothing', async () => {
    const { page, complaints } = await openTab(browser, url, 'train');
    const drop = (selector: string): Promise<void> =>
      page.locator(selector).evaluate((target) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(['{"text": "dropped", "embedding": [1, 2, 3]}'], 'dropped.jsonl'));
        target.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
      });
    await drop('h1');
    await drop('#panel-train .drop');
    await page.getByText('1 text with 3 numbers each from dropped.jsonl').waitFor();
    expect(complaints()).toEqual([]);
  });

  it.each(['snappy', 'gzip', 'zstd', 'none', 'plain-v2'])(
    '.parquet of pyarrow, with columns of other names: %s',
    async (name) => {
      const { page, complaints } = await openTab(browser, url, 'train');
      await page.getByText('Names of columns').click();
      await page.getByLabel('Column with the texts').fill('name');
      const file = { name: `${name}.parquet`, content: readFileSync(fixture(`${name}.parquet`)) };
      await page.getByLabel('Column with the embeddings').fill('doubles');
      await choose(page, 'Texts with embeddings', [file]);
      const { rows32 } = JSON.parse(readFileSync(fixture('expected.json'), 'utf8'));
      await page
        .getByText(`${rows32.length} texts with ${rows32[0].length} numbers each from ${name}.parquet`)
        .waitFor();
      expect(complaints()).toEqual([]);
    },
  );
});
