/**
 * The task of a worker that trains a student of texts on embeddings that are there: what a page has in its hands, as plain data, to the files of a
 * student. Other students, strategies and teachers: a task of one's own around `distill()`, in one's own worker.
 */
import { splitByHash } from '../data/split-by-hash.ts';
import { textDataset } from '../data/text-dataset.ts';
import { TextTokenizer } from '../data/tokenizer.ts';
import { type TrainTokenizerOptions, trainTokenizer } from '../data/train-tokenizer.ts';
import { LimbeckError } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import { TeacherBank } from '../negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../strategies/contrastive-distillation-strategy.ts';
import type { ContrastiveOptions } from '../strategies/contrastive-options.ts';
import { StaticEmbeddingStudent } from '../students/static-embedding-student.ts';
import type { StudentFilesOptions } from '../students/student-files.ts';
import { distill } from '../training/distill.ts';
import type { DistillEvent, DistillOptions, DistillResult } from '../training/distill-options.ts';
import type { TaskContext } from './serve.ts';
import type { PlainRows } from './student-tasks.ts';

/** Options of `distill()` that are plain data. */
type PlainOptions = Omit<
  DistillOptions<StaticEmbeddingStudent>,
  'teacher' | 'cache' | 'student' | 'data' | 'strategy' | 'useLabels' | 'validation' | 'onEvent' | 'onStep' | 'signal'
>;

export interface DistillTaskInput extends PlainOptions {
  readonly texts: readonly string[];
  /** One row for each text: the teacher's embeddings. The student's are as wide. */
  readonly embeddings: PlainRows;
  /** The text of a tokenizer.json, or how one is learned from the texts. */
  readonly tokenizer?: string | TrainTokenizerOptions;
  /** Longest text in tokens. Default 128. */
  readonly maxTokens?: number;
  /** Numbers for each token in the student. Default 128. */
  readonly width?: number;
  readonly strategy?: Partial<ContrastiveOptions>;
  /** About what share of the texts is held out and measured; none by default. `every` is in epochs. */
  readonly heldOut?: {
    readonly share: number;
    readonly seed?: number;
    readonly every?: number;
    readonly samples?: number;
  };
  readonly card?: StudentFilesOptions['card'];
}

export interface DistillTaskOutput extends Omit<DistillResult<unknown>, 'student'> {
  /** The student's directory: for `zipFiles`, or for `load`. */
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  /** How many texts were trained on, and held out. */
  readonly trained: number;
  readonly heldOut: number;
}

/**
 * Trains, tells every event of `distill()`, and stops when it is aborted, with a checkpoint where one is asked for: the same input then goes
 * on from there.
 *
 * @throws LimbeckError as `distill()`, `textDataset` and `trainTokenizer`
 */
export async function distillTask(
  input: DistillTaskInput,
  { emit, signal }: TaskContext<DistillEvent>,
): Promise<DistillTaskOutput> {
  const {
    texts,
    embeddings,
    tokenizer,
    maxTokens = 128,
    width = 128,
    strategy: contrast,
    heldOut,
    card,
    ...options
  } = input;
  const rows = new Matrix(embeddings.rows, embeddings.columns, embeddings.data);
  if (rows.rows !== texts.length) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `distill: expected one embedding for each of the ${texts.length} texts, got ${rows.rows}.`,
    );
  }
  const whole = textDataset({ texts });
  const split = heldOut && (await splitByHash(whole, { share: heldOut.share, seed: heldOut.seed ?? 0 }));
  const data = split?.training ?? whole;
  const teacher = split ? rows.gather(data.positions!) : rows;
  const student = new StaticEmbeddingStudent(await tokenizerFor(tokenizer, maxTokens, data.texts), {
    width,
    dimension: rows.columns,
    seed: options.seed ?? 0,
  });
  const strategy = new ContrastiveDistillationStrategy({ contrastiveWeight: 1, ...contrast, seed: options.seed ?? 0 });
  if (strategy.mode === 'ntxent') strategy.bank = new TeacherBank(teacher);
  try {
    const { student: _, ...result } = await distill({
      ...options,
      ...{ teacher, student, data, strategy, signal, onEvent: emit },
      ...(split && {
        validation: {
          data: split.heldOut,
          teacher: rows.gather(split.heldOut.positions!),
          ...(heldOut?.every !== undefined && { every: heldOut.every }),
          ...(heldOut?.samples !== undefined && { samples: heldOut.samples }),
        },
      }),
    });
    const files = student.toFiles(card ? { card } : {});
    return { ...result, files, trained: data.size, heldOut: split?.heldOut.size ?? 0 };
  } finally {
    await strategy.release();
  }
}

async function tokenizerFor(
  given: string | TrainTokenizerOptions | undefined,
  maxTokens: number,
  texts: readonly string[],
): Promise<TextTokenizer> {
  if (typeof given !== 'string') return trainTokenizer(texts, { maxTokens, ...given });
  const whole = TextTokenizer.fromJson(given, { maxTokens, name: 'tokenizer.json' });
  return whole.prune(whole.encodeAll(texts)).tokenizer;
}
