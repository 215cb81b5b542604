/** The run that the site was built with (`npm run web -- --run …`), as files; a site without one has none. */
import { LimbeckError } from 'limbeck/page';
import type { ChosenFile } from '../files/chosen-file.ts';

/** Where `prepare.mjs` puts it, relative to the page. */
export const SITE_RUN = 'run/';

const FILES = ['run.json', 'metrics.jsonl', 'held-out/texts.jsonl', 'held-out/rows.safetensors'];

let loading: Promise<ChosenFile[] | undefined> | undefined;

/**
 * Fetched once, from the page's own address.
 *
 * @returns undefined when the site was built without a run
 * @throws LimbeckError FILE_UNREADABLE when a part of it cannot be fetched
 */
export function siteRun(): Promise<ChosenFile[] | undefined> {
  loading ??= fetchAll().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function fetchAll(): Promise<ChosenFile[] | undefined> {
  const [record, ...others] = FILES;
  const first = await fetchOne(record);
  if (!first) return undefined;
  const rest = await Promise.all(others.map(fetchOne));
  return [first, ...rest.filter((file) => file !== undefined)];
}

async function fetchOne(path: string): Promise<ChosenFile | undefined> {
  const url = new URL(`${SITE_RUN}${path}`, document.baseURI);
  try {
    const response = await fetch(url);
    // Servers of single-page applications answer with their page instead.
    if (response.status === 404 || response.headers.get('content-type')?.startsWith('text/html')) return undefined;
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    return { path, blob: await response.blob() };
  } catch (cause) {
    throw new LimbeckError(
      'FILE_UNREADABLE',
      `${url}: expected to fetch it, got ${(cause as Error).message}. Load the page again.`,
      { cause },
    );
  }
}
