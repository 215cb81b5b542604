/**
 * Checkpoints: everything that a run needs to go on as if it had never stopped, in one safetensors file. Parameters, moments, the
 * strategy's banks and normalizers, and the place in the run. Shuffles and draws depend on seed and step alone, so there is no
 * generator whose state would have to be kept.
 */
import * as z from 'zod';
import { storage } from '#storage';
import { LimbeckError, show } from '../errors.ts';
import type { StateArray, StateArrays } from '../matrix/state-arrays.ts';
import { readSafetensors, type SafetensorsFile, writeSafetensors } from '../teachers/safetensors.ts';
import type { HistoryState } from './history.ts';

/** Options of checkpoints; a description completes "expected …". */
export const checkpointOptionsSchema = z.object({
  directory: z
    .string()
    .refine((path) => path.trim() !== '')
    .describe('the path of a directory'),
  every: z.int().min(1).default(500).describe('a whole number ≥ 1: steps between two checkpoints'),
  best: z
    .string()
    .min(1)
    .optional()
    .describe(
      "the name of a validation metric: the state at its highest value is kept beside the last; by default early stopping's",
    ),
});

export type CheckpointOptions = z.output<typeof checkpointOptionsSchema>;

/** The file of the latest checkpoint, inside its directory; and of the best by a metric. */
export const CHECKPOINT_FILE = 'last.safetensors';
export const BEST_FILE = 'best.safetensors';

const FORMAT = 'limbeck-checkpoint/2';

/** What a run has come to, beside the arrays: plain JSON. */
export interface RunProgress {
  /** Steps done. */
  readonly step: number;
  /** Mean loss of the epoch so far, counting steps to come as 0. */
  readonly epochLoss: number;
  /** Time spent training. */
  readonly seconds: number;
  /** The rate that the learning-rate finder found. */
  readonly learningRate?: number | undefined;
  readonly history: HistoryState;
}

const metrics = z.record(z.string(), z.number());
const progressSchema: z.ZodType<RunProgress> = z.object({
  step: z.int().min(0),
  epochLoss: z.number(),
  seconds: z.number().min(0),
  learningRate: z.number().optional(),
  history: z.object({
    points: z.array(z.object({ step: z.int(), epoch: z.number(), metrics })),
    best: z.int().min(-1),
  }),
});

export interface Checkpoint extends RunProgress {
  readonly state: StateArrays;
}

/** Writes and reads the checkpoints of one run. */
export class CheckpointFile {
  readonly path: string;
  readonly #directory: string;
  readonly #name: string;
  readonly #run: Readonly<Record<string, unknown>>;

  /** @param run what makes the run the same run (data, options, seed), as plain JSON by name */
  constructor(directory: string, name: string, run: Readonly<Record<string, unknown>>) {
    this.path = storage.path(directory, name);
    this.#directory = directory;
    this.#name = name;
    this.#run = JSON.parse(JSON.stringify(run));
  }

  /** Replaces the last checkpoint: its name shows the old one or the new, whole. */
  async write({ state, ...progress }: Checkpoint): Promise<void> {
    const tensors = Object.fromEntries(
      Object.entries(state).map(([name, data]) => [name, { shape: [data.length], data }]),
    );
    const metadata = { format: FORMAT, run: JSON.stringify(this.#run), progress: JSON.stringify(progress) };
    await storage.writeFile(this.#directory, this.#name, writeSafetensors(tensors, metadata));
  }

  /**
   * The last checkpoint; undefined when there is none.
   *
   * @throws LimbeckError FILE_CORRUPT, FILE_UNREADABLE; CHECKPOINT_MISMATCH when it is of a run with other data or options
   */
  async read(): Promise<Checkpoint | undefined> {
    const bytes = await storage.readIfThere(this.#directory, this.#name, 'a checkpoint');
    if (!bytes) return undefined;
    const file = readSafetensors(bytes, this.path);
    const format = file.metadata.get('format');
    if (format !== FORMAT) throw this.#corrupt(`the format ${FORMAT}`, format ?? 'none');
    this.#checkRun(this.#json(file, 'run'));
    const progress = progressSchema.safeParse(this.#json(file, 'progress'));
    if (!progress.success) {
      const [{ path, message }] = progress.error.issues;
      throw this.#corrupt(`progress of a run (${['progress', ...path].join('.')}: ${message})`, 'something else');
    }
    return {
      ...progress.data,
      state: Object.fromEntries([...file.entries.keys()].map((name) => [name, stateArray(file, name)])),
    };
  }

  #json(file: SafetensorsFile, name: string): unknown {
    const text = file.metadata.get(name);
    try {
      return JSON.parse(text as string);
    } catch {
      throw this.#corrupt(`${name} as JSON`, text ?? 'none');
    }
  }

  #corrupt(expected: string, got: unknown): LimbeckError {
    return new LimbeckError(
      'FILE_CORRUPT',
      `${this.path}: expected a checkpoint with ${expected}, got ${show(got)}. Delete the file to begin anew.`,
    );
  }

  /** Names what differs, since that is what has to be put back. */
  #checkRun(saved: unknown): void {
    const other = (saved ?? {}) as Record<string, unknown>;
    const names = [...new Set([...Object.keys(this.#run), ...Object.keys(other)])];
    const text = (value: unknown): string => JSON.stringify(value) ?? 'nothing';
    const different = names.filter((name) => text(this.#run[name]) !== text(other[name]));
    if (different.length === 0) return;
    const lines = different.map((name) => `${name}: then ${text(other[name])}, now ${text(this.#run[name])}`);
    throw new LimbeckError(
      'CHECKPOINT_MISMATCH',
      `${this.path}: expected a checkpoint of this run, got one of a run with other ${different.join(', ')}. ` +
        `Put that back, choose another directory, or delete the file to begin anew. ${lines.join('; ')}.`,
      { details: { different } },
    );
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
