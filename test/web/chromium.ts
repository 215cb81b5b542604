/** The browser of these tests: Debian's Chromium, or whichever LIMBECK_CHROMIUM names. Without one they are skipped, and say so. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

/** The path of a Chromium; undefined where there is none. */
export function findChromium(): string | undefined {
  const path = process.env.LIMBECK_CHROMIUM ?? '/usr/bin/chromium';
  return existsSync(path) ? path : undefined;
}

export const NO_CHROMIUM = 'no Chromium here: install one, or name it in LIMBECK_CHROMIUM';

/** @param flags further flags of the command line */
export function launch(flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium()!, args: ['--no-sandbox', ...flags] });
}

/** A page whose errors and failed requests are kept; a test holds them against none. */
export async function openPage(browser: Browser, url: string): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const complaints: string[] = [];
  const origin = new URL(url).origin;
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  // Nothing may come from anywhere else.
  page.on('request', (request) => {
    if (!/^(blob|data):/.test(request.url()) && new URL(request.url()).origin !== origin)
      complaints.push(request.url());
  });
  await page.goto(url);
  return { page, complaints };
}

/** Figures of this machine, for whoever reads the output. */
export function tell(line: string): void {
  process.stderr.write(`    ${line}\n`);
}
