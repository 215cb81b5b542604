/** The list of samples that were left out, beside a run or a comparison: nothing is skipped silently. */
import { rm } from 'node:fs/promises';
import type { SkippedSample } from '../data/dataset.ts';
import { writeFileAtomic } from '../runtime/files.ts';

/** One JSON object a line; no file when nothing was left out. */
export async function writeSkipped(file: string, skipped: readonly SkippedSample[]): Promise<void> {
  if (skipped.length === 0) await rm(file, { force: true });
  else {
    const lines = skipped.map(({ where, reason }) => `${JSON.stringify({ where, reason })}\n`);
    await writeFileAtomic(file, lines.join(''));
  }
}
