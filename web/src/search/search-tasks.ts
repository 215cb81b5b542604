/** Tasks of the worker around an index: open one, and answer queries by a student that the worker holds. */
import { LimbeckError, type Matrix } from 'limbeck';
import type { PlainStudent, StudentTasks, TaskContext } from 'limbeck/worker';
import { type ChosenFile, nameOf } from '../files/chosen-file.ts';
import { readCollection } from '../files/collection.ts';
import type { CollectionOptions } from '../files/collection-options.ts';
import { readRun } from '../run/read-run.ts';
import { type Hit, SearchIndex } from './search-index.ts';

/** Every so many held-out texts of a run one is a prepared query, and no document. */
const QUERY_EVERY = 10;

/** An open index as the page knows it. */
export interface OpenIndex {
  readonly index: number;
  readonly name: string;
  readonly documents: number;
  /** Width of its rows. */
  readonly dimension: number;
  /** Texts whose teacher row is known. */
  readonly queries: readonly string[];
  /** Of the run, where it says. */
  readonly teacher?: { readonly name: string; readonly sizeBytes?: number | undefined } | undefined;
}

export interface TextHit extends Hit {
  readonly text: string;
}

export interface Answer {
  readonly hits: readonly TextHit[];
  /** Milliseconds that the student took for the query, and the index for the hits. */
  readonly embedding: number;
  readonly ranking: number;
}

interface Held {
  readonly texts: readonly string[];
  readonly index: SearchIndex;
  readonly queries: readonly { readonly text: string; readonly row: ArrayLike<number> }[];
}

export interface Question {
  readonly index: number;
  readonly student: number;
  readonly query: string;
  readonly most: number;
}

/** @param students the worker's tasks around students */
export function searchTasks(students: StudentTasks) {
  const held = new Map<number, Held>();
  let opened = 0;
  const keep = (
    texts: readonly string[],
    rows: Matrix,
    about: Pick<OpenIndex, 'name' | 'teacher'>,
    queries: Held['queries'] = [],
  ): OpenIndex => {
    held.set(++opened, { texts, index: new SearchIndex(rows), queries });
    return {
      ...about,
      ...{ index: opened, documents: rows.rows, dimension: rows.columns, queries: queries.map(({ text }) => text) },
    };
  };
  const known = (number: number): Held => {
    const found = held.get(number);
    if (found) return found;
    throw new LimbeckError('INVALID_ARGUMENT', `worker: expected the number of an open index, got ${number}.`);
  };
  const withTexts = ({ texts }: Held, hits: readonly Hit[]): TextHit[] =>
    hits.map((hit) => ({ ...hit, text: texts[hit.row] }));

  return {
    /**
     * A student from its files, with their paths, or from an address. It has embedded once by then, since the first time takes longer.
     *
     * @throws LimbeckError as `Student.load`
     */
    async openStudent(input: readonly ChosenFile[] | string, context: TaskContext<never>): Promise<PlainStudent> {
      const files =
        typeof input === 'string'
          ? input
          : input.map((file) => ({
              name: nameOf(file),
              webkitRelativePath: file.path.includes('/') ? file.path : '',
              arrayBuffer: () => file.blob.arrayBuffer(),
            }));
      const opened = await students.load(files, context);
      if (opened.format.kind === 'text') {
        await students.embed({ student: opened.student, samples: ['first'] }, context);
      }
      return opened;
    },

    /** An index from texts and their vectors. @throws LimbeckError as {@link readCollection} */
    async openIndex({
      files,
      ...options
    }: CollectionOptions & { readonly files: readonly ChosenFile[] }): Promise<OpenIndex> {
      const { name, texts, rows } = await readCollection(files, options);
      return keep(texts, rows, { name });
    },

    /**
     * The held-out texts of a run as index, by the teacher's rows; a tenth of them as prepared queries.
     *
     * @throws LimbeckError as {@link readRun}; EMPTY_DATA when the run kept no held-out texts
     */
    async openRun(files: readonly ChosenFile[]): Promise<OpenIndex> {
      const { record, heldOut } = await readRun(files);
      if (!heldOut || heldOut.texts.length < 2 || record.data.kind === 'image') {
        throw new LimbeckError(
          'EMPTY_DATA',
          `${record.data.name}: expected a run with held-out texts and their rows, got none. Choose a run of texts, with its folder held-out.`,
        );
      }
      const { texts, teacher } = heldOut;
      const numbers = texts.map((_, i) => i);
      const isQuery = (i: number): boolean => i % QUERY_EVERY === QUERY_EVERY - 1;
      const documents = numbers.filter((i) => !isQuery(i));
      return keep(
        documents.map((i) => texts[i]),
        teacher.gather(documents),
        { name: record.data.name, teacher: record.teacher },
        numbers.filter(isQuery).map((i) => ({ text: texts[i], row: teacher.row(i).slice() })),
      );
    },

    async closeIndex(index: number): Promise<void> {
      held.delete(index);
    },

    /** The student's hits for a query. @throws LimbeckError as `embed`; SHAPE_MISMATCH for a student of another width */
    async search({ index, student, query, most }: Question, context: TaskContext<never>): Promise<Answer> {
      const one = known(index);
      const began = performance.now();
      const { data } = await students.embed({ student, samples: [query] }, context);
      const embedded = performance.now();
      const hits = withTexts(one, one.index.nearest(data, most));
      return { hits, embedding: embedded - began, ranking: performance.now() - embedded };
    },

    /** The teacher's hits for a prepared query, by its number. */
    async teacherHits({
      index,
      query,
      most,
    }: {
      readonly index: number;
      readonly query: number;
      readonly most: number;
    }) {
      const one = known(index);
      return withTexts(one, one.index.nearest(one.queries[query].row, most));
    },
  };
}
