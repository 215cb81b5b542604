/** WebGPU in a browser that offers an adapter, be it one in software: the CPU's numbers. Skipped, visibly, where there is none. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { findChromium, launch, NO_CHROMIUM, openPage, tell } from './chromium.ts';

const SOFTWARE = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'];

describe.skipIf(!findChromium())(`WebGPU${findChromium() ? '' : ` (${NO_CHROMIUM})`}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(SOFTWARE);
  });
  afterAll(() => browser?.close());

  it('computes what the CPU does, to 1e-5 (skipped where the browser has no adapter)', async ({ skip }) => {
    const { page } = await openPage(browser, `${inject('site').url}engine.html`);
    await page.waitForFunction(() => 'engine' in globalThis);
    const adapter = await page.evaluate(async () => {
      const { gpu } = navigator as { gpu?: GPU };
      const found = await gpu?.requestAdapter();
      return found ? `${found.info.vendor} ${found.info.architecture} ${found.info.description}`.trim() : undefined;
    });
    const found = await page.evaluate(() => window.engine.onDevice('webgpu'));
    if (adapter === undefined) {
      expect(found).toMatchObject({ code: 'DEVICE_UNAVAILABLE', message: expect.stringMatching(/device: 'cpu'/) });
      return skip('this browser offers no WebGPU adapter; asking for one was refused with DEVICE_UNAVAILABLE');
    }
    tell(`WebGPU adapter: ${adapter || 'of no name'}`);
    const expected = await page.evaluate(() => window.engine.onDevice('cpu'));
    if (!('values' in found) || !('values' in expected)) throw new Error(JSON.stringify([found, expected]));
    for (const [k, value] of expected.values.entries()) expect(found.values[k]).toBeCloseTo(value, 5);
    // Training too: the same losses, as far as other orders of summing let them be.
    const losses = await page.evaluate(() => window.engine.trainingLosses('cpu'));
    const there = await page.evaluate(() => window.engine.trainingLosses('webgpu'));
    expect(there).toHaveLength(losses.length);
    for (const [k, loss] of losses.entries()) expect(Math.abs(there[k] - loss) / loss).toBeLessThan(1e-3);
  });
});
