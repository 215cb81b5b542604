/** Measures a student in training on data that it is not trained on, as its users will run it. */
import type * as z from 'zod';
import type { Dataset } from '../data/dataset.ts';
import { LimbeckError } from '../errors.ts';
import { accuracy } from '../evaluation/accuracy.ts';
import { AGREEMENT_METRICS, agreement } from '../evaluation/agreement.ts';
import { everyNumber } from '../matrix/every-number.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { Random } from '../matrix/random.ts';
import type { TrainableStudent } from '../students/student.ts';
import type { Validation, validationOptionsSchema } from './distill-options.ts';
import { type AskOptions, askTeacher, isTeacher, type TeacherAnswers, type TeacherInput } from './teacher-answers.ts';

/** A student as it runs after training. */
export interface SampleEmbedder<Sample> {
  embed(samples: readonly Sample[]): Promise<Matrix>;
  classify?(samples: readonly Sample[]): Promise<Matrix>;
  release?(): Promise<void>;
}

/** What a student needs to be measured: itself, or something made of it, that embeds. */
type Measurable<Sample> = Partial<SampleEmbedder<Sample>> & { toEmbedder?(): Promise<SampleEmbedder<Sample>> };

/** One seed for all runs, so that they are measured on the same samples. */
const DRAW_SEED = 0;

export class Validator<Sample> {
  readonly #student: TrainableStudent<Sample, unknown> & Measurable<Sample>;
  readonly #data: Dataset<Sample>;
  readonly #numbers: Int32Array;
  readonly #teacher: TeacherAnswers<Sample>;
  readonly #rows: { embeddings?: Matrix; outputs?: Matrix };

  private constructor(
    student: TrainableStudent<Sample, unknown>,
    data: Dataset<Sample>,
    numbers: Int32Array,
    teacher: TeacherAnswers<Sample>,
    rows: { embeddings?: Matrix; outputs?: Matrix },
  ) {
    this.#student = student;
    this.#data = data;
    this.#numbers = numbers;
    this.#teacher = teacher;
    this.#rows = rows;
  }

  /**
   * @param ofTraining the teacher of the training, which is asked about the validation data too when that has none of its own
   * @throws LimbeckError UNSUPPORTED for a student that cannot be run, INVALID_ARGUMENT for augmented data; as {@link askTeacher}
   */
  static async of<Sample>(
    student: TrainableStudent<Sample, unknown>,
    { data, teacher: own }: Validation<Sample>,
    { samples }: z.output<typeof validationOptionsSchema>,
    ofTraining: TeacherInput<Sample>,
    options: AskOptions,
  ): Promise<Validator<Sample>> {
    const measurable: Measurable<Sample> = student as Measurable<Sample>;
    if (!measurable.toEmbedder && !measurable.embed) {
      throw new LimbeckError(
        'UNSUPPORTED',
        `distill: expected a student with toEmbedder() or embed(), so that it can be validated, got ${student.constructor.name}.`,
      );
    }
    if (data.augmented || data.size < 2) {
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `distill: expected validation data of at least two samples, not augmented, got ${data.augmented ? 'augmented data' : data.size}.`,
      );
    }
    const teacher = await askTeacher(own ?? (isTeacher(ofTraining) ? ofTraining : undefined), data, options);
    const drawn = Random.forPurpose(DRAW_SEED, 'validation').shuffle(everyNumber(data.size)).slice(0, samples).sort();
    const rows = await teacher.of(drawn, []);
    return new Validator(student, data, drawn, teacher, rows);
  }

  /** What the measurements depend on, as plain JSON. */
  get identity(): unknown {
    return [this.#data.fingerprint, this.#numbers.length, this.#teacher.identity];
  }

  /** The names of what {@link measure} gives. */
  get metricNames(): readonly string[] {
    return [...(this.#comparable() ? AGREEMENT_METRICS : []), ...(this.#labels() ? ['accuracy'] : [])];
  }

  /** The student with the numbers that its parameters hold now. */
  async measure(): Promise<Record<string, number>> {
    const samples = await this.#data.read(this.#numbers);
    const embedder = this.#student.toEmbedder
      ? await this.#student.toEmbedder()
      : (this.#student as unknown as SampleEmbedder<Sample>);
    const made = embedder !== (this.#student as unknown);
    try {
      const metrics: Record<string, number> = {};
      const teacher = this.#comparable();
      if (teacher) Object.assign(metrics, agreement(await embedder.embed(samples), teacher));
      const labels = this.#labels();
      if (labels && embedder.classify) metrics.accuracy = accuracy(await embedder.classify(samples), labels);
      return metrics;
    } finally {
      if (made) await embedder.release?.();
    }
  }

  release(): Promise<void> {
    return this.#teacher.release();
  }

  /** The teacher's rows, where the student's embedding is as wide. */
  #comparable(): Matrix | undefined {
    const { embeddings } = this.#rows;
    return embeddings && [...this.#student.layers.values()][0] === embeddings.columns ? embeddings : undefined;
  }

  #labels(): Int32Array | undefined {
    const { labels } = this.#data;
    return labels && this.#student.classes !== undefined ? this.#numbers.map((i) => labels[i]) : undefined;
  }
}
