/** A run directory from chosen files: what `limbeck report` reads of it, by the same code. Runs in the worker. */
import { LimbeckError, type MetricsLine, parseMetricsLines, parseRunRecord, type RunRecord } from 'limbeck';
import { type HeldOutRows, parseHeldOut } from '../../../src/report/held-out.ts';
import type { ChosenFile } from '../files/chosen-file.ts';
import { bytesOf, textOf } from '../files/contents.ts';

export interface Run {
  readonly record: RunRecord;
  readonly curves: readonly MetricsLine[];
  /** Undefined where the run kept none, or they were not chosen. */
  readonly heldOut: HeldOutRows | undefined;
}

/** @throws LimbeckError FILE_UNREADABLE without a run.json; FILE_CORRUPT naming file and field; NOT_TEXT */
export async function readRun(files: readonly ChosenFile[]): Promise<Run> {
  const file = (path: string): ChosenFile | undefined => runFile(files, path);
  const recordFile = file('run.json');
  if (!recordFile) {
    const names = files.slice(0, 5).map(({ path }) => path);
    throw new LimbeckError(
      'FILE_UNREADABLE',
      `Files: expected the run.json of a run, got ${names.join(', ')}${files.length > 5 ? ` and ${files.length - 5} more` : ''}. ` +
        'Choose the directory that limbeck distill or limbeck demo wrote, or its run.json and metrics.jsonl.',
    );
  }
  const record = parseRunRecord(await textOf(recordFile), recordFile.path);
  const metrics = file('metrics.jsonl');
  const [texts, rows] = [file('held-out/texts.jsonl'), file('held-out/rows.safetensors')];
  return {
    record,
    curves: metrics
      ? parseMetricsLines(await textOf(metrics), metrics.path, { unfinished: record.status !== 'complete' })
      : [],
    heldOut:
      texts && rows
        ? parseHeldOut(
            { name: texts.path, content: await textOf(texts) },
            { name: rows.path, content: await bytesOf(rows) },
          )
        : undefined,
  };
}

/** The file of that path in a run directory, wherever the chosen folder lies; of several the one that lies highest. */
function runFile(files: readonly ChosenFile[], path: string): ChosenFile | undefined {
  return files
    .filter((file) => file.path === path || file.path.endsWith(`/${path}`))
    .sort((a, b) => a.path.length - b.path.length)[0];
}
