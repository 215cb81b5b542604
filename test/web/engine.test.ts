/**
 * The vectors of the engine and of the strategies in a browser: equal to Node's to 1e-9 of the largest entry in float64 and 1e-5 in
 * float32, and to PyTorch's numbers where there are some.
 */
import { readFileSync } from 'node:fs';
import { parseHTML } from 'linkedom';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import * as limbeck from '../../src/index.ts';
import type { Golden as OperatorGolden } from '../graph/golden-operators.ts';
import type { Golden as ContrastiveGolden } from '../strategies/golden-contrastive.ts';
import type { Golden as CrdGolden } from '../strategies/golden-crd.ts';
import { worstError } from '../strategies/support.ts';
import { findChromium, launch, NO_CHROMIUM, openPage } from './chromium.ts';
import { sampleReport } from './sample-report.ts';
import type { Vectors } from './vectors.ts';
import * as vectors from './vectors.ts';

const goldens = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../goldens/${name}.json`, import.meta.url), 'utf8')) as T;
const { cases } = goldens<{ cases: readonly OperatorGolden[] }>('operators');
const contrastive = goldens<ContrastiveGolden>('contrastive');
const crd = goldens<CrdGolden>('crd');
const BOUNDS = { float64: 1e-9, float32: 1e-5 } as const;

function expectSame(found: Record<string, Vectors>, expected: Record<string, Vectors>, bound: number): void {
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  const wrong: string[] = [];
  for (const [name, arrays] of Object.entries(expected)) {
    if ('error' in found[name] || 'error' in arrays) wrong.push(`${name}: ${JSON.stringify([found[name], arrays])}`);
    else {
      expect(Object.keys(found[name])).toEqual(Object.keys(arrays));
      for (const [key, values] of Object.entries(arrays)) {
        const error = worstError((found[name] as Record<string, number[]>)[key], values);
        if (!(error < bound)) wrong.push(`${name}: ${key} is off by ${error}`);
      }
    }
  }
  expect(wrong).toEqual([]);
}

describe.skipIf(!findChromium())(`in a browser${findChromium() ? '' : ` (${NO_CHROMIUM})`}`, () => {
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  beforeAll(async () => {
    browser = await launch();
    ({ page, complaints } = await openPage(browser, `${inject('site').url}engine.html?threads=2`));
    await page.waitForFunction(() => 'engine' in globalThis);
  });
  afterAll(() => browser?.close());

  it('the page is cross-origin isolated, so that there are threads', async () => {
    expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
  });

  it(`${cases.length} operators of PyTorch: float64 < 1e-9, float32 < 1e-5`, async () => {
    for (const dtype of ['float64', 'float32'] as const) {
      const found = await page.evaluate(([c, d]) => window.engine.operatorGoldens(c, d), [cases, dtype] as const);
      expectSame(found, await vectors.operatorGoldens(cases, dtype), BOUNDS[dtype]);
      const theirs = cases.map(({ name, y, gradients }) => [
        name,
        { y: y.values, ...Object.fromEntries(gradients.map((values, i) => [`g${i}`, values])) },
      ]);
      expectSame(found, Object.fromEntries(theirs), BOUNDS[dtype]);
    }
  });

  it('every operator with run-time sizes, and its gradient, in float64: < 1e-9', async () => {
    const expected = await vectors.operatorCases();
    expectSame(await page.evaluate(() => window.engine.operatorCases()), expected, BOUNDS.float64);
  });

  it('210 contrastive and output cases of PyTorch: float64 < 1e-9, float32 < 1e-5', async () => {
    for (const dtype of ['float64', 'float32'] as const) {
      const given = [contrastive, dtype] as const;
      const found = await page.evaluate(([c, d]) => window.engine.contrastiveGoldens(c, d), given);
      expectSame(found, await vectors.contrastiveGoldens(...given), BOUNDS[dtype]);
    }
  });

  it('96 CRD cases of PyTorch: float64 < 1e-9, float32 < 1e-5', async () => {
    for (const dtype of ['float64', 'float32'] as const) {
      const found = await page.evaluate(([c, d]) => window.engine.crdGoldens(c, d), [crd, dtype] as const);
      expectSame(found, await vectors.crdGoldens(crd, dtype), BOUNDS[dtype]);
    }
  });

  it('all strategies and modes: float64 < 1e-9, float32 < 1e-5', async () => {
    for (const dtype of ['float64', 'float32'] as const) {
      const found = await page.evaluate((d) => window.engine.strategies(d), dtype);
      expectSame(found, await vectors.strategies(dtype), BOUNDS[dtype]);
    }
  });

  it('the names of the package are those of Node, but for what needs a disk or native code', async () => {
    const absent = [
      ...['BertTeacher', 'CachedRows', 'EmbeddingsTeacher', 'OnnxTeacher', 'TransformersTeacher', 'cacheTeacherRows'],
      ...['embedWithCache', 'listTeacherCaches', 'parseWordNet', 'splitWordNet', 'SUPERSENSES', 'readImages'],
      ...['readImagesSchema', 'readPairs', 'readRows', 'readTexts'],
    ];
    for (const name of absent) expect(Object.keys(limbeck)).toContain(name);
    const expected = Object.keys(limbeck).filter((name) => !absent.includes(name));
    expect(await page.evaluate(() => window.engine.names())).toEqual([...expected, 'configureWebRuntime'].sort());
  });

  it("a report drawn with the page's document says what Node's says", async () => {
    const text = (html: string) => html.replace(/<style[\s\S]*?<\/style>|<[^>]*>/g, ' ').replace(/\s+/g, ' ');
    const { document } = parseHTML('<html></html>');
    const expected = sampleReport(document);
    expect(text(await page.evaluate(() => window.engine.report()))).toBe(text(expected));
  });

  it('a student saved in private files is loaded with the same rows', async () => {
    expect(await page.evaluate(() => window.engine.saveAndLoad())).toBe(0);
  });

  it('a private file is the new one, whole; only what nobody writes any more is removed', async () => {
    expect(await page.evaluate(() => window.engine.writtenFiles())).toEqual({
      absent: undefined,
      content: 'second',
      names: ['a.bin', 'b.bin.*.tmp'],
    });
  });

  it('refuses with a code and what to do', async () => {
    expect(await page.evaluate(() => window.engine.refusals())).toEqual({
      foreign: {
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/no student: expected a new directory.*notes\.txt/),
      },
      upwards: { code: 'INVALID_ARGUMENT', message: expect.stringMatching(/\.\.\/up.*: expected the path/) },
      absent: { code: 'FILE_UNREADABLE', message: expect.stringMatching(/opfs:students\/absent: expected a student/) },
      unread: { code: 'FILE_UNREADABLE', message: expect.stringMatching(/students\/absent: .*no such file/) },
      notText: { code: 'NOT_TEXT', message: expect.stringMatching(/texts\/bytes/) },
      files: { code: 'INVALID_ARGUMENT', message: expect.stringMatching(/load: expected files of a student/) },
      images: { code: 'FILE_UNREADABLE', message: expect.stringMatching(/nowhere\/: .*config\.json/) },
    });
  });

  it('devices and settings that are not there say so', async () => {
    const code = (device: 'cuda' | 'webgpu') => page.evaluate((d) => window.engine.onDevice(d), device);
    expect(await code('cuda')).toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      message: expect.stringMatching(/a browser/),
    });
    const late = page.evaluate(() => window.engine.configure({ threads: 1 }));
    await expect(late).rejects.toThrow(/before the first model or program/);
  });

  it('nothing was fetched from elsewhere, and nothing complained but of the files that are not there', () => {
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
  });
});
