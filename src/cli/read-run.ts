/** What a run directory holds, read for a report: also of a run that is under way, was interrupted, or failed. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LimbeckError } from '../errors.ts';
import { type HeldOutRows, parseHeldOut } from '../report/held-out.ts';
import { type MetricsLine, parseMetricsLines } from '../report/metrics-lines.ts';
import { parseRunRecord, type RunRecord } from '../report/run-record.ts';
import { recoverDirectory } from '../runtime/files.ts';
import { readBytes, readText } from '../runtime/read-files.ts';
import { RUN_FILES } from './demo-parts.ts';

export interface RunDirectory {
  readonly record: RunRecord;
  readonly curves: readonly MetricsLine[];
  readonly heldOut: HeldOutRows | undefined;
}

/**
 * @throws LimbeckError FILE_UNREADABLE for a directory without run.json, FILE_CORRUPT naming file and field
 */
export async function readRunDirectory(directory: string): Promise<RunDirectory> {
  await recoverDirectory(directory);
  const path = (name: string): string => join(directory, name);
  const found = await stat(directory).catch(() => undefined);
  if (!found?.isDirectory() || !existsSync(path(RUN_FILES.record))) {
    const got = !found ? 'no such directory' : found.isDirectory() ? `one without ${RUN_FILES.record}` : 'a file';
    throw new LimbeckError(
      'FILE_UNREADABLE',
      `${directory}: expected the directory of a run, got ${got}. Name the directory that limbeck distill or limbeck demo wrote.`,
    );
  }
  const record = parseRunRecord(await readText(path(RUN_FILES.record), 'the record of a run'), path(RUN_FILES.record));
  const curves = existsSync(path(RUN_FILES.metrics))
    ? parseMetricsLines(await readText(path(RUN_FILES.metrics), 'the curves of a run'), path(RUN_FILES.metrics), {
        unfinished: record.status !== 'complete',
      })
    : [];
  return { record, curves, heldOut: await readHeldOut(path(RUN_FILES.heldOutTexts), path(RUN_FILES.heldOutRows)) };
}

async function readHeldOut(texts: string, rows: string): Promise<HeldOutRows | undefined> {
  if (!existsSync(texts) || !existsSync(rows)) return undefined;
  return parseHeldOut(
    { name: texts, content: await readText(texts, 'the held-out texts') },
    { name: rows, content: await readBytes(rows, 'the rows of the held-out texts') },
  );
}
