/** What a run directory holds, read for a report: also of a run that is under way, was interrupted, or failed. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { LimbeckError } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import { type MetricsLine, parseMetricsLines } from '../report/metrics-lines.ts';
import { parseRunRecord, type RunRecord } from '../report/run-record.ts';
import { recoverDirectory } from '../runtime/files.ts';
import { readBytes, readText } from '../runtime/read-files.ts';
import { readSafetensors } from '../teachers/safetensors.ts';
import { RUN_FILES } from './demo-parts.ts';

/** Held-out samples with the rows of teacher and student, where the run kept them. */
export interface HeldOutRows {
  readonly texts: readonly string[];
  /** The class of each; undefined where they have none. */
  readonly classes: readonly (string | undefined)[];
  readonly teacher: Matrix;
  readonly student: Matrix;
}

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

/** The demo calls classes supersenses. */
const heldOutLine = z.object({ text: z.string(), label: z.string().optional(), supersense: z.string().optional() });

async function readHeldOut(texts: string, rows: string): Promise<HeldOutRows | undefined> {
  if (!existsSync(texts) || !existsSync(rows)) return undefined;
  const lines = (await readText(texts, 'the held-out texts')).split('\n').filter((line) => line !== '');
  const samples = lines.map((line, i) => {
    try {
      return heldOutLine.parse(JSON.parse(line));
    } catch (cause) {
      throw new LimbeckError(
        'FILE_CORRUPT',
        `${texts}: expected {"text", "label"} in line ${i + 1}, got ${JSON.stringify(line.slice(0, 40))}. Run again.`,
        { cause },
      );
    }
  });
  const stored = readSafetensors(await readBytes(rows, 'the rows of the held-out texts'), rows);
  const [teacher, student] = ['teacher', 'student'].map((name) => {
    const { shape, data } = stored.tensor(name);
    return new Matrix(shape[0], shape[1], data);
  });
  return {
    texts: samples.map(({ text }) => text),
    classes: samples.map(({ label, supersense }) => label ?? supersense),
    teacher,
    student,
  };
}
