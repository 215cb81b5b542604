/** Tasks of the worker around training: read data, train, see what was left from before, give it up. */
import { type DistillEvent, LimbeckError, type MetricsLine, zipFiles } from 'limbeck';
import type { TaskContext } from 'limbeck/worker';
import type { ChosenFile } from '../files/chosen-file.ts';
import { type Collection, readCollection } from '../files/collection.ts';
import type { CollectionOptions } from '../files/collection-options.ts';
import { shortened } from '../format.ts';
import { readRun } from '../run/read-run.ts';
import { LiveMap } from './live-map.ts';
import { runArchive } from './run-archive.ts';
import { discardRun, LOCK, markDone, type SavedRun, savedRun, saveLines, saveRun } from './saved-run.ts';
import type { Settings } from './settings.ts';
import { type Parts, prepareParts, runTraining } from './training.ts';

/** What the page knows of a collection in the worker. */
export interface CollectionFacts {
  readonly name: string;
  readonly size: number;
  /** Width of the embeddings. */
  readonly dimension: number;
  /** The first text, or its beginning. */
  readonly example: string;
}

export interface SavedFacts extends CollectionFacts {
  readonly settings: Settings;
  /** The last step that is on disk with its numbers; 0 when none is. */
  readonly step: number;
  /** Whether it has come to its end, and its student can be had again. */
  readonly done: boolean;
}

export type TrainEvent =
  | { readonly type: 'stage'; readonly stage: string }
  | {
      readonly type: 'prepared';
      readonly trained: number;
      readonly heldOut: number;
      readonly steps: number;
      readonly epochs: number;
      readonly vocabulary: number;
      readonly parameters: number;
      readonly texts: readonly string[];
      readonly places: Float32Array;
    }
  /** From where a run goes on, with the curves so far. */
  | { readonly type: 'resumed'; readonly step: number; readonly lines: readonly MetricsLine[] }
  | { readonly type: 'lines'; readonly lines: readonly MetricsLine[] }
  | { readonly type: 'map'; readonly places: Float32Array }
  | { readonly type: 'warning'; readonly message: string };

export interface TrainResult {
  readonly steps: number;
  readonly seconds: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly modelBytes: number;
  /** .zip of the student's directory, and of the run's with the student in it. */
  readonly student: Uint8Array;
  readonly run: Uint8Array;
}

/** Milliseconds between two messages with lines: drawing takes the page's time. */
const TELL_EVERY = 200;

export function trainTasks() {
  let collection: Collection | undefined;
  const factsOf = ({ name, texts, rows }: Collection): CollectionFacts => {
    return { name, size: texts.length, dimension: rows.columns, example: shortened(texts[0]) };
  };

  return {
    /** Reads what is to be trained on, and keeps it. @throws LimbeckError as {@link readCollection} */
    async readData({
      files,
      ...options
    }: CollectionOptions & { readonly files: readonly ChosenFile[] }): Promise<CollectionFacts> {
      collection = await readCollection(files, options);
      return factsOf(collection);
    },

    /** The held-out texts of a run, with the teacher's rows, as data to try training with. */
    async readRunData(files: readonly ChosenFile[]): Promise<CollectionFacts> {
      const { record, heldOut } = await readRun(files);
      if (!heldOut) throw new LimbeckError('EMPTY_DATA', `${record.data.name}: expected held-out texts, got none.`);
      collection = { name: record.data.name, texts: heldOut.texts, rows: heldOut.teacher };
      return factsOf(collection);
    },

    /** What an earlier visit left, if anything. */
    async saved(): Promise<SavedFacts | undefined> {
      const run = await savedRun();
      if (!run) return undefined;
      return { ...factsOf(run.collection), settings: run.settings, step: run.lines.at(-1)?.step ?? 0, done: run.done };
    },

    async discard(): Promise<void> {
      await withLock(discardRun);
    },

    /**
     * Trains: anew with settings, on what was read; without, the saved run goes on.
     *
     * @throws LimbeckError ABORTED when it is paused; INVALID_ARGUMENT without data; UNSUPPORTED while another tab trains
     */
    train(settings: Settings | undefined, context: TaskContext<TrainEvent>): Promise<TrainResult> {
      return withLock(async () => {
        const run = settings ? newRun(collection, settings) : await savedRun();
        if (!run) {
          throw new LimbeckError('FILE_UNREADABLE', 'Train: expected a saved run, got none. Start a new one.');
        }
        context.emit({ type: 'stage', stage: 'Learning a tokenizer from the texts' });
        const parts = await prepareParts(run.collection, run.settings);
        if (settings) {
          // Not before: what cannot be trained does not take the place of an earlier run.
          context.emit({ type: 'stage', stage: 'Saving the texts for a resumption' });
          await saveRun(run);
        }
        return train(run, parts, context);
      });
    },
  };
}

/** One tab trains at a time, since the page keeps one run. */
function withLock<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => {
    if (lock) return work();
    throw new LimbeckError(
      'UNSUPPORTED',
      'Train: expected no other tab of this page to be training, got one that is. Pause it there first.',
    );
  });
}

function newRun(collection: Collection | undefined, settings: Settings): SavedRun {
  if (!collection) {
    throw new LimbeckError('INVALID_ARGUMENT', 'Train: expected texts with embeddings, got none. Choose files first.');
  }
  const startedAt = new Date().toISOString();
  return { name: collection.name, startedAt, settings, collection, lines: [], done: false };
}

async function train(run: SavedRun, parts: Parts, { emit, signal }: TaskContext<TrainEvent>): Promise<TrainResult> {
  const { student, training, heldOut, epochs, steps } = parts;
  emit({ type: 'stage', stage: 'Laying out the map' });
  const map = new LiveMap(heldOut.texts, parts.heldOutRows);
  emit({
    ...{ type: 'prepared', trained: training.size, heldOut: heldOut.size, steps, epochs },
    ...{ vocabulary: student.tokenizer.vocabularySize, parameters: student.parameterCount },
    ...{ texts: map.texts, places: map.places },
  });
  const drawMap = async (): Promise<void> => {
    const embedder = await student.toEmbedder();
    try {
      emit({ type: 'map', places: map.placesOf(await embedder.embed(map.texts)) });
    } finally {
      await embedder.release();
    }
  };
  /** What was begun on the side; it is over before the task is. */
  const aside: Promise<void>[] = [drawMap()];
  await aside[0];

  const curves = new Curves(run.lines, (lines) => emit({ type: 'lines', lines }));
  const onEvent = (event: DistillEvent): void => {
    if (event.type === 'resume') {
      emit({ type: 'resumed', step: event.step, lines: curves.backTo(event.step) });
    } else if (event.type === 'warning') {
      emit(event);
    } else if (event.type === 'step' || event.type === 'validation') {
      curves.add(event);
      // The parameters are those of this step until the next one begins, and the export is made at once.
      if (event.type === 'validation') aside.push(drawMap());
    } else if (event.type === 'checkpoint') {
      curves.tell();
      aside.push(saveLines([...curves.lines]));
    }
  };
  emit({ type: 'stage', stage: 'Training' });
  let result: Awaited<ReturnType<typeof runTraining>>;
  try {
    result = await runTraining(parts, run.settings, { onEvent, signal });
  } finally {
    curves.tell();
    await Promise.all(aside);
  }
  emit({ type: 'stage', stage: 'Packing the student' });
  const archive = await runArchive({ run, parts, result, lines: curves.lines });
  await markDone();
  const { steps: taken, seconds } = result;
  return { steps: taken, seconds, ...archive, student: zipFiles(archive.student), run: zipFiles(archive.run) };
}

/** The lines of a run's metrics.jsonl as they come about, told in pieces. */
class Curves {
  lines: MetricsLine[];
  readonly #tell: (lines: readonly MetricsLine[]) => void;
  #waiting: MetricsLine[] = [];
  #told = 0;
  #seconds = 0;

  constructor(earlier: readonly MetricsLine[], tell: (lines: readonly MetricsLine[]) => void) {
    this.lines = [...earlier];
    this.#tell = tell;
  }

  backTo(step: number): readonly MetricsLine[] {
    this.lines = this.lines.filter((line) => line.step <= step);
    return this.lines;
  }

  add(event: Extract<DistillEvent, { type: 'step' | 'validation' }>): void {
    const common = { method: 'student', seed: 0, step: event.step, epoch: event.epoch };
    if (event.type === 'step') {
      this.#seconds = event.seconds;
      const { loss, learningRate, seconds } = event;
      // The parts of the sum are two of different kinds, and need no numbers to be told apart.
      const parts = Object.entries(event.components).map(([name, value]) => [
        name.replace(/ \(part \d+\)$/, ''),
        value,
      ]);
      this.#waiting.push({ ...common, loss, components: Object.fromEntries(parts), learningRate, seconds });
    } else {
      this.#waiting.push({ ...common, validation: { ...event.metrics }, seconds: this.#seconds });
    }
    if (event.type === 'validation' || performance.now() - this.#told > TELL_EVERY) this.tell();
  }

  tell(): void {
    if (this.#waiting.length === 0) return;
    this.#told = performance.now();
    this.lines.push(...this.#waiting);
    this.#tell(this.#waiting);
    this.#waiting = [];
  }
}
