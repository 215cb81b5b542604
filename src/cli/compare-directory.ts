/**
 * The directory of a comparison: `comparison.json`, what is compared; `results.jsonl`, a line for every run that is done; what is drawn from
 * the two; `samples/`, some of what is measured; and in `runs/` the students and their scores sample by sample.
 *
 * Not a lock: two processes must not run one directory at a time.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { differences } from '../config/write-config.ts';
import { LimbeckError } from '../errors.ts';
import type { SampleScores } from '../evaluation/sample-scores.ts';
import {
  type ComparisonRecord,
  type ComparisonResult,
  type PlannedRun,
  parseComparisonRecord,
  parseComparisonResults,
} from '../report/comparison-record.ts';
import type { ComparisonParts } from '../report/comparison-summary.ts';
import type { JsonValue } from '../report/run-record.ts';
import { makeWritableDirectory, removeStaleTemporaries, writeFileAtomic } from '../runtime/files.ts';
import { readBytes, readText } from '../runtime/read-files.ts';
import { readSafetensors, writeSafetensors } from '../teachers/safetensors.ts';

export const COMPARISON_FILES = {
  record: 'comparison.json',
  results: 'results.jsonl',
  table: 'results.csv',
  summary: 'summary.json',
  report: 'report.html',
  skipped: 'skipped.jsonl',
  samples: 'samples',
  runs: 'runs',
  unfinished: 'unfinished',
} as const;

const SCORES = 'scores.safetensors';

/** A run with what its digest is of. */
export interface IdentifiedRun extends PlannedRun {
  readonly identity: JsonValue;
}

export class ComparisonDirectory {
  readonly path: string;
  readonly earlier: ComparisonRecord | undefined;
  #results: readonly ComparisonResult[];

  private constructor(path: string, earlier: ComparisonRecord | undefined, results: readonly ComparisonResult[]) {
    this.path = path;
    this.earlier = earlier;
    this.#results = results;
  }

  /**
   * Makes the directory, or finds in it the comparison that it holds.
   *
   * @throws LimbeckError INVALID_OPTION for a directory that holds files of ours and is no comparison; FILE_UNWRITABLE, FILE_CORRUPT
   */
  static async open(path: string): Promise<ComparisonDirectory> {
    const foreign = ['run.json', ...Object.values(COMPARISON_FILES)].filter((name) => existsSync(join(path, name)));
    if (foreign.length > 0 && !foreign.includes(COMPARISON_FILES.record)) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `output.directory: expected a directory for a comparison, got ${path}, which has no ${COMPARISON_FILES.record} and holds ` +
          `${foreign.slice(0, 3).join(', ')}. Choose another directory with --out.`,
      );
    }
    // Found out now, and not after minutes of training.
    await makeWritableDirectory(path);
    await removeStaleTemporaries(path);
    return foreign.length === 0
      ? new ComparisonDirectory(path, undefined, [])
      : new ComparisonDirectory(path, await readRecord(path), await readResults(path));
  }

  /** In the order in which they were done. */
  get results(): readonly ComparisonResult[] {
    return this.#results;
  }

  file(name: keyof typeof COMPARISON_FILES): string {
    return join(this.path, COMPARISON_FILES[name]);
  }

  /** Where student and scores of a run are. */
  ofRun({ method, student, seed }: Pick<PlannedRun, 'method' | 'student' | 'seed'>): string {
    return runDirectory(this.path, { method, student, seed });
  }

  /** Where the checkpoints of a run are until it is done; by digest, so that those of another configuration are never met. */
  unfinished({ digest }: Pick<PlannedRun, 'digest'>): string {
    return join(this.file('unfinished'), digest.slice(0, 16));
  }

  /**
   * The runs that are still to be done.
   *
   * @param again results of other configurations are dropped, instead of refused
   * @throws LimbeckError CHECKPOINT_MISMATCH naming what has changed since a run was done
   */
  async todo<Run extends IdentifiedRun>(runs: readonly Run[], { again }: { readonly again: boolean }): Promise<Run[]> {
    const done = new Set(this.#results.map(({ digest }) => digest));
    const missing = runs.filter(({ digest }) => !done.has(digest));
    const place = ({ method, student, seed }: PlannedRun) => JSON.stringify([method, student, seed]);
    const changed = missing.flatMap((run) => {
      const then = this.#results.find((result) => place(result) === place(run));
      return then ? [{ run, then }] : [];
    });
    if (changed.length === 0) return missing;
    if (!again) {
      const different = [...new Set(changed.flatMap(({ run, then }) => differences(then.identity, run.identity)))];
      const [{ run }] = changed;
      throw new LimbeckError(
        'CHECKPOINT_MISMATCH',
        `${this.path}: expected the configuration that its results were made with, got another for ${changed.length} of them, ` +
          `first ${run.method}, ${run.student}, seed ${run.seed}: ${different.slice(0, 6).join('; ')}` +
          `${different.length > 6 ? `; and ${different.length - 6} more` : ''}. ` +
          'Put the values back, choose another directory with --out, or do those runs again with --rerun.',
        { details: { different } },
      );
    }
    const dropped = new Set(changed.map(({ then }) => then.digest));
    await this.#write(this.#results.filter(({ digest }) => !dropped.has(digest)));
    return missing;
  }

  /** Adds a line; the file has it whole or not at all. */
  async append(result: ComparisonResult): Promise<void> {
    await this.#write([...this.#results, result]);
  }

  async writeRecord(record: ComparisonRecord): Promise<void> {
    await writeFileAtomic(this.file('record'), `${JSON.stringify(record, null, 2)}\n`);
  }

  async writeScores(run: PlannedRun, scores: SampleScores): Promise<void> {
    const tensors = Object.entries(scores).map(
      ([name, values]) => [name, { shape: [values.length], data: Float32Array.from(values) }] as const,
    );
    const file = join(this.ofRun(run), SCORES);
    // Without any there is nothing to draw from, and those of an earlier run would be drawn from.
    if (tensors.length === 0) await rm(file, { force: true });
    else await writeFileAtomic(file, writeSafetensors(Object.fromEntries(tensors), { digest: run.digest }));
  }

  async #write(results: readonly ComparisonResult[]): Promise<void> {
    await writeFileAtomic(this.file('results'), results.map((result) => `${JSON.stringify(result)}\n`).join(''));
    this.#results = results;
  }
}

/**
 * Everything that reports are drawn from.
 *
 * @throws LimbeckError FILE_UNREADABLE for a directory without a comparison, FILE_CORRUPT
 */
export async function readComparisonParts(path: string): Promise<ComparisonParts> {
  const [record, results] = [await readRecord(path), await readResults(path)];
  const scores = new Map<string, SampleScores>();
  for (const run of record.runs) {
    const file = join(runDirectory(path, run), SCORES);
    if (!existsSync(file)) continue;
    const stored = readSafetensors(await readBytes(file, 'the scores of a run'), file);
    if (stored.metadata.get('digest') !== run.digest) continue;
    const names = [...stored.entries.keys()];
    scores.set(run.digest, Object.fromEntries(names.map((name) => [name, stored.tensorOf(name, 'F32').data])));
  }
  return { record, results, scores };
}

async function readRecord(path: string): Promise<ComparisonRecord> {
  const file = join(path, COMPARISON_FILES.record);
  return parseComparisonRecord(await readText(file, 'the record of a comparison'), file);
}

async function readResults(path: string): Promise<ComparisonResult[]> {
  const file = join(path, COMPARISON_FILES.results);
  if (!existsSync(file)) return [];
  return parseComparisonResults(await readText(file, 'the results of a comparison'), file);
}

export function runDirectory(
  path: string,
  { method, student, seed }: Pick<PlannedRun, 'method' | 'student' | 'seed'>,
): string {
  return join(path, COMPARISON_FILES.runs, student, method, `seed-${seed}`);
}
