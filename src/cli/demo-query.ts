/** `limbeck demo --query`: the nearest held-out texts, by the student and by the teacher, over the teacher's own index. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { LimbeckError } from '../errors.ts';
import { nearestRows } from '../evaluation/nearest-neighbours.ts';
import { Matrix } from '../matrix/matrix.ts';
import { recoverDirectory } from '../runtime/files.ts';
import { readBytes, readText } from '../runtime/read-files.ts';
import { readSafetensors } from '../teachers/safetensors.ts';
import { Student } from '../training/student.ts';
import { loadDemoTeacher, RUN_FILES } from './demo-parts.ts';

const heldOutLine = z.object({ text: z.string(), supersense: z.string() });

export interface QueryHit {
  readonly text: string;
  readonly supersense: string;
  /** Cosine of the query and the text's teacher row. */
  readonly score: number;
}

export interface QueryResult {
  readonly query: string;
  readonly student: readonly QueryHit[];
  readonly teacher: readonly QueryHit[];
}

/**
 * @param run a run directory of `limbeck demo`
 * @param teacherDirectory where the teacher's files are, if not in its package
 */
export async function queryDemo(
  query: string,
  { run, hits, teacherDirectory }: { run: string; hits: number; teacherDirectory?: string | undefined },
): Promise<QueryResult> {
  await recoverDirectory(run);
  if (!existsSync(join(run, RUN_FILES.record))) {
    throw new LimbeckError(
      'FILE_UNREADABLE',
      `--query: expected a finished run in ${run}, got none. Run limbeck demo first, or name its directory with --out.`,
    );
  }
  const path = (name: string): string => join(run, name);
  const documents = parseLines(
    await readText(path(RUN_FILES.heldOutTexts), 'the held-out texts'),
    path(RUN_FILES.heldOutTexts),
  );
  const stored = readSafetensors(
    await readBytes(path(RUN_FILES.heldOutRows), 'the rows of the held-out texts'),
    path(RUN_FILES.heldOutRows),
  ).tensor('teacher');
  const index = new Matrix(stored.shape[0], stored.shape[1], stored.data);
  const student = await Student.load(path(RUN_FILES.student));
  const teacher = await loadDemoTeacher(teacherDirectory);
  const search = async (model: { embed(texts: readonly string[]): Promise<Matrix> }): Promise<QueryHit[]> => {
    const row = (await model.embed([query])).row(0);
    const { indices, scores } = nearestRows(row, index, hits);
    return Array.from(indices, (i, k) => ({ ...documents[i], score: scores[k] }));
  };
  try {
    return { query, student: await search(student), teacher: await search(teacher) };
  } finally {
    await Promise.all([student.release(), teacher.release()]);
  }
}

function parseLines(text: string, name: string): { text: string; supersense: string }[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, i) => {
      try {
        return heldOutLine.parse(JSON.parse(line));
      } catch (cause) {
        throw new LimbeckError(
          'FILE_CORRUPT',
          `${name}: expected {"text", "supersense"} in line ${i + 1}, got ${JSON.stringify(line.slice(0, 40))}. Run limbeck demo again.`,
          { cause },
        );
      }
    });
}

/** The result as text for a terminal. */
export function renderQuery({ query, student, teacher }: QueryResult, width: number): string {
  const fit = (line: string): string => (line.length > width ? `${line.slice(0, width - 1)}…` : line);
  const column = Math.max(...[...student, ...teacher].map(({ supersense }) => supersense.length));
  const list = (title: string, hits: readonly QueryHit[]): string[] => [
    title,
    ...hits.map(({ text, supersense, score }) => fit(`  ${score.toFixed(3)}  ${supersense.padEnd(column)}  ${text}`)),
  ];
  return [
    fit(`Held-out texts nearest to "${query}"`),
    '',
    ...list("by the student, in the teacher's own index", student),
    '',
    ...list('by the teacher', teacher),
    '',
  ].join('\n');
}
