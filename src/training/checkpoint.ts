/**
 * Checkpoints: everything that a run needs to go on as if it had never stopped, in one safetensors file. Parameters, moments, the
 * strategy's banks and normalizers, and the place in the run. Shuffles and draws depend on seed and step alone, so there is no
 * generator whose state would have to be kept.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { LimbeckError } from '../errors.ts';
import type { StateArray, StateArrays } from '../matrix/state-arrays.ts';
import { writeFileAtomic } from '../runtime/files.ts';
import { readBytes } from '../runtime/read-files.ts';
import { readSafetensors, type SafetensorsFile, writeSafetensors } from '../teachers/safetensors.ts';

/** Options of checkpoints; a description completes "expected …". */
export const checkpointOptionsSchema = z.object({
  directory: z
    .string()
    .refine((path) => path.trim() !== '')
    .describe('the path of a directory'),
  every: z.int().min(1).default(500).describe('a whole number ≥ 1: steps between two checkpoints'),
});

export type CheckpointOptions = z.output<typeof checkpointOptionsSchema>;

/** The file of the latest checkpoint, inside its directory. */
export const CHECKPOINT_FILE = 'last.safetensors';

const FORMAT = 'limbeck-checkpoint/1';

export interface Checkpoint {
  /** Steps done. */
  readonly step: number;
  /** Sum of the losses of the last epoch so far. */
  readonly lastEpochLoss: number;
  readonly state: StateArrays;
}

/** Writes and reads the checkpoints of one run. */
export class CheckpointFile {
  readonly path: string;
  readonly #run: string;

  /** @param run what makes the run the same run (data, options, seed), as text */
  constructor(directory: string, run: string) {
    this.path = join(directory, CHECKPOINT_FILE);
    this.#run = run;
  }

  /** Replaces the last checkpoint: its name shows the old one or the new, whole. */
  async write({ step, lastEpochLoss, state }: Checkpoint): Promise<void> {
    const tensors = Object.fromEntries(
      Object.entries(state).map(([name, data]) => [name, { shape: [data.length], data }]),
    );
    const metadata = { format: FORMAT, run: this.#run, step: String(step), lastEpochLoss: String(lastEpochLoss) };
    await writeFileAtomic(this.path, writeSafetensors(tensors, metadata));
  }

  /**
   * The last checkpoint; undefined when there is none.
   *
   * @throws LimbeckError FILE_CORRUPT, FILE_UNREADABLE; CHECKPOINT_MISMATCH when it is of a run with other data or options
   */
  async read(): Promise<Checkpoint | undefined> {
    const there = await access(this.path).then(
      () => true,
      () => false,
    );
    if (!there) return undefined;
    const file = readSafetensors(await readBytes(this.path, 'a checkpoint'), this.path);
    const format = file.metadata.get('format');
    if (format !== FORMAT) {
      throw new LimbeckError('FILE_CORRUPT', `${this.path}: expected the format ${FORMAT}, got ${format ?? 'none'}.`);
    }
    if (file.metadata.get('run') !== this.#run) {
      throw new LimbeckError(
        'CHECKPOINT_MISMATCH',
        `${this.path}: expected a checkpoint of this run, ${this.#run}; got one of ${file.metadata.get('run')}. ` +
          'Choose another directory, or delete the file to begin anew.',
      );
    }
    const step = this.#number(file, 'step');
    if (!Number.isInteger(step) || step < 0) {
      throw new LimbeckError('FILE_CORRUPT', `${this.path}: step: expected a whole number ≥ 0, got ${step}.`);
    }
    return {
      step,
      lastEpochLoss: this.#number(file, 'lastEpochLoss'),
      state: Object.fromEntries([...file.entries.keys()].map((name) => [name, stateArray(file, name)])),
    };
  }

  #number(file: SafetensorsFile, name: string): number {
    const text = file.metadata.get(name);
    const value = text ? Number(text) : Number.NaN;
    if (Number.isFinite(value)) return value;
    throw new LimbeckError('FILE_CORRUPT', `${this.path}: ${name}: expected a number, got ${text ?? 'none'}.`);
  }
}

function stateArray(file: SafetensorsFile, name: string): StateArray {
  switch (file.entries.get(name)?.dtype) {
    case 'F64':
      return file.tensorOf(name, 'F64').data;
    case 'I32':
      return file.tensorOf(name, 'I32').data;
    default:
      return file.tensorOf(name, 'F32').data;
  }
}
