/** The demo: a real sentence encoder distilled into a small student, measured against the plain baseline, with a report. */
import { access, constants, mkdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { TextDataset } from '../data/text-dataset.ts';
import { parseWordNet, SUPERSENSES, splitWordNet } from '../data/wordnet.ts';
import { LimbeckError } from '../errors.ts';
import { majorityClass } from '../evaluation/majority-class.ts';
import { TeacherBank } from '../negatives/teacher-bank.ts';
import type { MetricsLine } from '../report/metrics-lines.ts';
import type { MethodResult, RunRecord } from '../report/run-record.ts';
import { writeDirectory } from '../runtime/files.ts';
import { ContrastiveDistillationStrategy } from '../strategies/contrastive-distillation-strategy.ts';
import type { DistillationStrategy } from '../strategies/distillation-strategy.ts';
import { FeatureDistillationStrategy } from '../strategies/feature-distillation-strategy.ts';
import { StaticEmbeddingStudent } from '../students/static-embedding-student.ts';
import type { BertTeacher } from '../teachers/bert-teacher.ts';
import { embedWithCache } from '../teachers/teacher-cache.ts';
import { distill } from '../training/distill.ts';
import { type Corpus, type EvaluatedStudent, evaluateStudent, evaluateTeacher } from './demo-evaluation.ts';
import { runFiles } from './demo-files.ts';
import { loadDemoTeacher, RUN_FILES, wordNetDirectory } from './demo-parts.ts';
import { machineFacts, ownVersion } from './environment.ts';
import type { Progress } from './progress.ts';

export interface DemoOptions {
  /** Training texts. */
  readonly texts: number | 'all';
  readonly heldOut: number;
  /** How many seeds every method is trained with: 0, 1, …. */
  readonly seeds: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly width: number;
  readonly learningRate: number;
  readonly temperature: number;
  /** Negatives for each anchor, drawn from the bank; 'all' for the whole corpus. */
  readonly negatives: number | 'all';
  /** Run directory. */
  readonly out: string;
  /** Where teacher rows are kept between runs. */
  readonly cache: string;
  readonly wordnet?: string | undefined;
  readonly teacher?: string | undefined;
}

/** Splits and shuffles of the data do not vary with the training seed, so that all seeds are measured on the same texts. */
const DATA_SEED = 0;

/** One of the compared ways to train. */
interface Method {
  readonly id: string;
  readonly label: string;
  readonly strategy: (seed: number) => DistillationStrategy;
}

/**
 * Runs the demo and leaves a run directory.
 *
 * @param command the command line, for the record
 */
export async function runDemo(
  options: DemoOptions,
  { progress, signal, command }: { progress: Progress; signal: AbortSignal; command: string },
): Promise<RunRecord> {
  const startedAt = new Date();
  await checkRunDirectory(options.out);
  const split = await loadTexts(options, progress);
  const teacher = await loadDemoTeacher(options.teacher);
  try {
    const heldOutCache = await teacherRows(teacher, split.heldOut, options, progress, 'held-out', signal);
    const trainCache = await teacherRows(teacher, split.train, options, progress, 'training', signal);
    const corpus = { ...split, trainRows: trainCache.rows, heldOutRows: heldOutCache.rows };
    // The student's vocabulary may know the training texts only: held-out texts stay unseen in every way.
    const { tokenizer } = teacher.tokenizer.prune(teacher.tokenizer.encodeAll(corpus.train.texts));

    const results: MethodResult[] = [];
    const curves: MetricsLine[] = [];
    const newStudent = (seed: number): StaticEmbeddingStudent =>
      new StaticEmbeddingStudent(tokenizer, { width: options.width, dimension: teacher.dimension, seed });
    const measuring = (what: string): void =>
      progress.update('measure', `${what}: retrieval, neighbours, speed`, { done: 0, seconds: 0 });
    let shown: EvaluatedStudent | undefined;
    // Training comes before the two yardsticks, so that a run whose rows are cached is training within seconds.
    for (let seed = 0; seed < options.seeds; seed++) {
      for (const method of methods(options, corpus)) {
        const student = newStudent(seed);
        const trainingSeconds = await train(method, seed, student, corpus, options, { progress, signal, curves });
        measuring(`${method.label}, seed ${seed}`);
        const evaluated = await evaluateStudent(method.id, method.label, seed, student, corpus);
        results.push({ ...evaluated.result, trainingSeconds });
        if (method.id === 'ntxent-bank' && seed === 0) shown = evaluated;
      }
    }
    measuring('untrained student');
    results.unshift((await evaluateStudent('untrained', 'untrained student', null, newStudent(0), corpus)).result);
    measuring(`teacher ${teacher.name}`);
    results.unshift(await evaluateTeacher(teacher, corpus));
    progress.update('report', 'drawing the map', { done: 0, seconds: 0 });
    const computed = trainCache.computed + heldOutCache.computed;
    const seconds = trainCache.seconds + heldOutCache.seconds;
    const record: RunRecord = {
      format: 'limbeck-run/1',
      status: 'complete',
      limbeck: ownVersion(),
      startedAt: startedAt.toISOString(),
      finishedAt: new Date().toISOString(),
      command,
      machine: machineFacts(),
      config: runConfig(options),
      data: {
        name: 'WordNet 3.1 glosses and examples',
        train: corpus.train.texts.length,
        heldOut: corpus.heldOut.texts.length,
        classes: SUPERSENSES.length,
        majorityClass: majorityClass(corpus.heldOut.labels as Int32Array, SUPERSENSES),
        fingerprint: corpus.train.fingerprint,
        vocabulary: tokenizer.vocabularySize,
      },
      teacher: {
        name: teacher.name,
        fingerprint: teacher.fingerprint,
        dimension: teacher.dimension,
        parameters: teacher.parameterCount,
        sizeBytes: teacher.sizeBytes,
        rowsReused: trainCache.reused + heldOutCache.reused,
        rowsComputed: computed,
        seconds,
        samplesPerSecond: computed === 0 ? null : computed / seconds,
      },
      results,
    };
    await writeDirectory(options.out, runFiles(record, curves, corpus, shown as EvaluatedStudent));
    progress.finish('report', `${join(options.out, RUN_FILES.report)}`);
    return record;
  } finally {
    await teacher.release();
  }
}

function methods({ temperature, negatives }: DemoOptions, { trainRows }: Corpus): Method[] {
  return [
    { id: 'cosine', label: 'cosine regression', strategy: () => new FeatureDistillationStrategy() },
    {
      id: 'ntxent-bank',
      label: 'NT-Xent + teacher bank',
      strategy: (seed) => {
        const negativesSampleSize = negatives === 'all' ? trainRows.rows : negatives;
        const strategy = new ContrastiveDistillationStrategy({
          contrastiveWeight: 1,
          temperature,
          negativesSampleSize,
          seed,
        });
        strategy.bank = new TeacherBank(trainRows);
        return strategy;
      },
    },
  ];
}

/** A run replaces its directory as a whole, so it must not be pointed at anything else. */
async function checkRunDirectory(out: string): Promise<void> {
  const kind = async (path: string): Promise<'directory' | 'file' | undefined> =>
    stat(path).then(
      (found) => (found.isDirectory() ? 'directory' : 'file'),
      () => undefined,
    );
  if ((await kind(out)) && !(await kind(join(out, RUN_FILES.record)))) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `--out: expected a new directory or an earlier run (it would be replaced), got ${out}, which has no ${RUN_FILES.record}. ` +
        'Choose another directory.',
    );
  }
  // Found out now, and not after minutes of training.
  const parent = dirname(resolve(out));
  try {
    await mkdir(parent, { recursive: true });
    await access(parent, constants.W_OK);
  } catch (cause) {
    throw new LimbeckError(
      'FILE_UNWRITABLE',
      `--out: expected a place where a directory can be made, got ${(cause as NodeJS.ErrnoException).code} for ${parent}. ` +
        'Choose another directory.',
      { cause },
    );
  }
}

async function loadTexts({ wordnet, texts, heldOut }: DemoOptions, progress: Progress) {
  progress.update('data', 'reading WordNet', { done: 0, seconds: 0 });
  const synsets = await parseWordNet(wordNetDirectory(wordnet));
  const { train, heldOut: kept, skipped } = splitWordNet(synsets, { heldOut, train: texts, seed: DATA_SEED });
  const count = (n: number): string => n.toLocaleString('en');
  progress.finish(
    'data',
    `WordNet 3.1: ${count(train.texts.length)} texts for training, ${count(kept.texts.length)} held out ` +
      `(${count(skipped.duplicates)} duplicates left out, ${count(skipped.notDrawn)} not drawn)`,
  );
  return { train, heldOut: kept };
}

async function teacherRows(
  teacher: BertTeacher,
  dataset: TextDataset,
  { cache }: DemoOptions,
  progress: Progress,
  what: string,
  signal: AbortSignal,
) {
  const count = (n: number): string => n.toLocaleString('en');
  const result = await embedWithCache({
    teacher,
    dataset,
    directory: cache,
    signal,
    onWarning: (message) => progress.warn(message),
    onProgress: ({ doneRows, totalRows, reusedRows, doneWork, totalWork, reusedWork, seconds }) => {
      // Work goes with characters, and the longest texts come first: rows alone would promise too little, then too much.
      const done = (doneWork - reusedWork) / Math.max(1, totalWork - reusedWork);
      const rate = doneRows > reusedRows ? ` · ${count(Math.round((doneRows - reusedRows) / seconds))} texts/s` : '';
      progress.update('teacher', `${what}: ${count(doneRows)}/${count(totalRows)} rows${rate}`, { done, seconds });
    },
  });
  const rate = Math.round(result.computed / result.seconds);
  progress.finish(
    'teacher',
    `${what}: ${count(result.rows.rows)} rows of ${teacher.name}, ` +
      (result.computed === 0 ? 'all from the cache' : `${count(result.computed)} computed at ${count(rate)} texts/s`) +
      (result.computed > 0 && result.reused > 0 ? `, ${count(result.reused)} from the cache` : ''),
  );
  return result;
}

async function train(
  { id, label, strategy: build }: Method,
  seed: number,
  student: StaticEmbeddingStudent,
  { train: data, trainRows }: Corpus,
  { epochs, batchSize, learningRate }: DemoOptions,
  { progress, signal, curves }: { progress: Progress; signal: AbortSignal; curves: MetricsLine[] },
): Promise<number> {
  const strategy = build(seed);
  const name = `${label}, seed ${seed}`;
  let sinceLine = { loss: 0, steps: 0 };
  const { seconds, loss } = await distill({
    teacher: trainRows,
    student,
    data,
    strategy,
    epochs,
    batchSize,
    seed,
    optimizer: { learningRate, weightDecay: 0 },
    signal,
    onStep: (event) => {
      const { step, steps, epoch } = event;
      sinceLine = { loss: sinceLine.loss + event.loss, steps: sinceLine.steps + 1 };
      // About 200 points make a curve; each is the mean of the steps since the last, so that nothing is thinned out.
      if (step % Math.ceil(steps / 200) === 0 || step === steps) {
        const { components, learningRate: rate, gradientNorm } = event;
        curves.push({
          method: id,
          seed,
          step,
          epoch,
          loss: sinceLine.loss / sinceLine.steps,
          components: { ...components },
          learningRate: rate,
          gradientNorm,
          seconds: event.seconds,
        });
        sinceLine = { loss: 0, steps: 0 };
      }
      const rate = Math.round((epoch * data.texts.length) / event.seconds).toLocaleString('en');
      progress.update(
        'train',
        `${name}: epoch ${epoch.toFixed(1)}/${epochs} · loss ${event.loss.toFixed(3)} · ${rate} texts/s`,
        { done: step / steps, seconds: event.seconds },
      );
    },
  });
  await strategy.release();
  progress.finish(
    'train',
    `${name}: ${epochs} epochs in ${seconds.toFixed(1)}s, mean loss of the last ${loss.toFixed(3)}`,
  );
  return seconds;
}

function runConfig(options: DemoOptions): RunRecord['config'] {
  const { texts, heldOut, seeds, epochs, batchSize, width, learningRate, temperature, negatives } = options;
  return {
    student: 'static embeddings',
    width,
    texts,
    heldOut,
    seeds: Array.from({ length: seeds }, (_, seed) => seed),
    epochs,
    batchSize,
    optimizer: 'AdamW, cosine schedule',
    learningRate,
    temperature,
    negatives,
  };
}
