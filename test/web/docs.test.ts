/** The pages of docs/browser.md, each in a browser: without a bundler, with Vite, with transformers.js; from the built package. */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { build, type Plugin } from 'vite';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startWebServer } from '../../scripts/web-server.mjs';
import { tinyStudent } from '../training/tiny-problem.ts';
import { findChromium, launch, NO_CHROMIUM, openPage } from './chromium.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const modules = join(root, 'node_modules');
const blocks = [...readFileSync(join(root, 'docs/browser.md'), 'utf8').matchAll(/```(?:js|html)\n([\s\S]*?)```/g)];
const [plain, withVite, withTransformers] = blocks.map((match) => match[1]);
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
const PAGE =
  '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><input id="query"><output id="found"></output>' +
  '<script type="module" src="./main.js"></script>';

describe.skipIf(!findChromium())(`docs/browser.md${findChromium() ? '' : ` (${NO_CHROMIUM})`}`, () => {
  const folder = join(inject('site').files, 'docs');
  const texts = ['a large musical instrument', 'to move quickly on foot', 'a domestic animal'];
  const student = tinyStudent(texts, { width: 16, dimension: 24, seed: 1 }).toFiles();
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  function writeStudent(site: string): void {
    for (const [path, content] of student) {
      mkdirSync(dirname(join(site, 'student', path)), { recursive: true });
      writeFileSync(join(site, 'student', path), content);
    }
  }

  /** The modules of the last bundle, its workers' included. */
  const modulesOf: string[] = [];
  const listModules = (): Plugin => ({
    name: 'list modules',
    generateBundle(_, output) {
      for (const part of Object.values(output)) if (part.type === 'chunk') modulesOf.push(...Object.keys(part.modules));
    },
  });

  /** A project of a user, bundled. */
  async function bundle(name: string, files: Readonly<Record<string, string>>): Promise<string> {
    const [project, site] = [join(folder, `${name} project`), join(folder, name)];
    mkdirSync(join(project, 'node_modules/@huggingface'), { recursive: true });
    symlinkSync(root, join(project, 'node_modules/limbeck'));
    symlinkSync(join(modules, '@huggingface/transformers'), join(project, 'node_modules/@huggingface/transformers'));
    for (const [path, content] of Object.entries({ 'index.html': PAGE, ...files })) {
      writeFileSync(join(project, path), content);
    }
    modulesOf.length = 0;
    await build({
      plugins: [listModules()],
      worker: { format: 'es', plugins: () => [listModules()] },
      ...{ configFile: false, root: project, base: './', logLevel: 'error' },
      build: { outDir: site, emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 5000 },
    });
    writeStudent(site);
    return site;
  }

  /** Types a query, and waits for what is found; every complaint of the page counts. */
  async function search(site: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
    const { url, stop } = await startWebServer({ '/': site }, { headers });
    try {
      const { page, complaints } = await openPage(browser, url);
      await page.waitForFunction(() => document.querySelector<HTMLInputElement>('#query')?.oninput, undefined, {
        timeout: 30_000,
      });
      await page.fill('#query', texts[1]);
      await page.waitForFunction(() => document.querySelector('#found')?.textContent);
      // transformers.js says so of every model whose kind it has no class for.
      expect(complaints.filter((text) => !text.startsWith('Unknown model class'))).toEqual([]);
      return (await page.textContent('#found')) as string;
    } finally {
      await stop();
    }
  }

  it('a page without a bundler', async () => {
    const site = join(folder, 'plain');
    writeStudent(site);
    cpSync(join(root, 'dist/browser'), join(site, 'limbeck'), { recursive: true });
    for (const ending of ['wasm', 'mjs']) {
      const name = `ort-wasm-simd-threaded.${ending}`;
      cpSync(join(modules, 'onnxruntime-web/dist', name), join(site, 'limbeck', name));
    }
    writeFileSync(join(site, 'index.html'), plain.replace('<meta', '<link rel="icon" href="data:,"><meta'));
    expect(await search(site)).toBe(texts[1]);
  });

  it('with Vite, in a worker, under a strict content security policy', async () => {
    const site = await bundle('vite', { 'main.js': withVite, 'worker.js': "import 'limbeck/default-worker';\n" });
    expect(await search(site, { 'Content-Security-Policy': `${POLICY}; img-src data:` })).toBe(texts[1]);
    const page = readdirSync(join(site, 'assets')).find((name) => /^index-.*\.js$/.test(name)) as string;
    // What needs Node has no place in a page.
    expect(modulesOf.some((id) => id.endsWith('dist/runtime/backend-web.js'))).toBe(true);
    const foreign =
      /__vite-browser-external|^node:|-node\.js$|\/(?:sharp|linkedom|csv-parse|hyparquet|yaml|commander)\//;
    expect(modulesOf.filter((id) => foreign.test(id))).toEqual([]);
    expect(readFileSync(join(site, 'assets', page)).length).toBeLessThan(40_000);
  });

  it('with transformers.js', async () => {
    const site = await bundle('transformers', { 'main.js': withTransformers });
    const runtime = join(modules, '@huggingface/transformers/node_modules/onnxruntime-web/dist');
    for (const name of readdirSync(runtime).filter((file) => file.startsWith('ort-wasm'))) {
      cpSync(join(runtime, name), join(site, 'onnxruntime', name));
    }
    expect(await search(site)).toBe(texts[1]);
  });
});
