/** The page in a browser, as the tests of it use it. */
import type { Browser, Page } from 'playwright-core';
import { openPage } from '../chromium.ts';

/** The frame of a report says so of the report's script, and is to: it is not a complaint. */
const FRAME_WITHOUT_SCRIPTS = /Blocked script execution in 'about:srcdoc'/;

export interface OpenedPage {
  readonly page: Page;
  /** Errors, warnings and requests to other places so far. */
  readonly complaints: () => string[];
}

export async function openTab(browser: Browser, url: string, tab: 'search' | 'train' | 'read'): Promise<OpenedPage> {
  const { page, complaints } = await openPage(browser, `${url}#${tab}`);
  return { page, complaints: () => complaints.filter((text) => !FRAME_WITHOUT_SCRIPTS.test(text)) };
}

export interface GivenFile {
  readonly name: string;
  readonly content: string | Uint8Array;
}

/** Chooses files at a place, "Index", as one does with its button. */
export async function choose(page: Page, place: string, files: readonly GivenFile[]): Promise<void> {
  await page.getByLabel(`${place}: choose files`).setInputFiles(
    files.map(({ name, content }) => ({
      ...{ name, mimeType: 'application/octet-stream' },
      buffer: Buffer.from(content as string),
    })),
  );
}

/** What the one message of the open tab says; empty when there is none. */
export async function message(page: Page): Promise<string> {
  const alerts = page.locator('[role=tabpanel]:not([hidden]) [role=alert] .error');
  return (await alerts.allTextContents()).join('\n');
}
