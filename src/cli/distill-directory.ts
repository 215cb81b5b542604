/**
 * The directory of one run of `limbeck distill`, in place: `run.json`, `metrics.jsonl`, `checkpoints/`, `student/`, `report.html`, and
 * `skipped.jsonl` where samples were left out. It belongs to one configuration: the same one goes on where it was, another is refused.
 *
 * Not a lock: two processes must not run one directory at a time.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunConfig } from '../config/complete-config.ts';
import { differences } from '../config/write-config.ts';
import { LimbeckError } from '../errors.ts';
import { parseRunRecord, type RunRecord } from '../report/run-record.ts';
import { makeWritableDirectory, removeStaleTemporaries, unwritable, writeFileAtomic } from '../runtime/files.ts';
import { readText } from '../runtime/read-files.ts';

export const DISTILL_FILES = {
  record: 'run.json',
  metrics: 'metrics.jsonl',
  checkpoints: 'checkpoints',
  student: 'student',
  report: 'report.html',
  skipped: 'skipped.jsonl',
  heldOut: 'held-out',
} as const;

type DistillFile = keyof typeof DISTILL_FILES;

/** What two runs may have different and still be one: where things are kept, how often, and where the work is done. */
function identity({ output: _, cache: __, training, ...config }: RunConfig): unknown {
  const {
    checkpoint: { every: ___, ...checkpoint },
    ...rest
  } = training;
  return JSON.parse(JSON.stringify({ ...config, training: { ...rest, checkpoint } }));
}

export class DistillDirectory {
  readonly path: string;
  /** The record of the run that is gone on with, or that is complete. */
  readonly earlier: RunRecord | undefined;

  private constructor(path: string, earlier: RunRecord | undefined) {
    this.path = path;
    this.earlier = earlier;
  }

  /**
   * Makes the directory, or finds in it the run that it holds.
   *
   * @param again begin anew, whatever run it holds; what that left is removed
   * @throws LimbeckError INVALID_OPTION for a directory of something else; CHECKPOINT_MISMATCH for a run of another configuration;
   *   FILE_UNWRITABLE, FILE_CORRUPT
   */
  static async open(config: RunConfig, { again }: { readonly again: boolean }): Promise<DistillDirectory> {
    const path = config.output.directory;
    const present = await entries(path);
    if (present.length > 0 && !present.includes(DISTILL_FILES.record) && present.some((name) => !isOurs(name))) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `output.directory: expected a new directory or an earlier run, got ${path}, which has no ${DISTILL_FILES.record} and holds ` +
          `${present.slice(0, 3).join(', ')}. Choose another directory with --out.`,
      );
    }
    // Found out now, and not after minutes of training.
    await makeWritableDirectory(path);
    await removeStaleTemporaries(path);
    if (again) {
      // The record goes first: what remains after a kill is then no run, and can be begun anew.
      for (const name of Object.values(DISTILL_FILES)) await rm(join(path, name), { recursive: true, force: true });
      return new DistillDirectory(path, undefined);
    }
    if (!present.includes(DISTILL_FILES.record)) return new DistillDirectory(path, undefined);
    const file = join(path, DISTILL_FILES.record);
    const earlier = parseRunRecord(await readText(file, 'the record of a run'), file);
    const different = differences(identity(earlier.config as unknown as RunConfig), identity(config));
    if (different.length > 0) {
      throw new LimbeckError(
        'CHECKPOINT_MISMATCH',
        `${path}: expected the run of this configuration, got one with other values: ${different.slice(0, 8).join('; ')}` +
          `${different.length > 8 ? `; and ${different.length - 8} more` : ''}. ` +
          'Choose another directory with --out, put the values back, or begin anew with --force.',
        { details: { different } },
      );
    }
    return new DistillDirectory(path, earlier);
  }

  file(name: DistillFile): string {
    return join(this.path, DISTILL_FILES[name]);
  }

  /**
   * @throws LimbeckError DATA_MISMATCH when the run was begun with other data
   */
  checkData(fingerprint: string, name: string): void {
    if (this.earlier === undefined || this.earlier.data.fingerprint === fingerprint) return;
    throw new LimbeckError(
      'DATA_MISMATCH',
      `${name}: expected the data that the run in ${this.path} began with, got other samples, another order or other labels: the file has ` +
        'changed since. Put the data back, choose another directory with --out, or begin anew with --force.',
    );
  }

  async writeRecord(record: RunRecord): Promise<void> {
    await writeFileAtomic(this.file('record'), `${JSON.stringify(record, null, 2)}\n`);
  }
}

/** Before its record is written, a run can be killed in a directory that it has begun to fill. */
function isOurs(name: string): boolean {
  return Object.values(DISTILL_FILES).some((own) => name === own || name.startsWith(`${own}.`));
}

async function entries(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR' && (await isFile(path))) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `output.directory: expected a directory, got the file ${path}. Choose another with --out.`,
      );
    }
    throw unwritable(path, error);
  }
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
