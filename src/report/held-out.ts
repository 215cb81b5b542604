/** Held-out samples that a run kept, with the rows of teacher and student: read from its files, and laid out as the map of its report. */
import * as z from 'zod';
import { LimbeckError } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import { readSafetensors, writeSafetensors } from '../teachers/safetensors.ts';
import type { EmbeddingMap } from './embedding-maps.ts';
import { projectTogether } from './project-together.ts';

export interface HeldOutRows {
  readonly texts: readonly string[];
  /** The class of each; undefined where they have none. */
  readonly classes: readonly (string | undefined)[];
  readonly teacher: Matrix;
  readonly student: Matrix;
}

/** A file of a run, as it is called in messages, with what it holds. */
interface Named<Content> {
  readonly name: string;
  readonly content: Content;
}

/** The demo calls classes supersenses. */
const heldOutLine = z.object({ text: z.string(), label: z.string().optional(), supersense: z.string().optional() });

/**
 * @param texts `held-out/texts.jsonl`
 * @param rows `held-out/rows.safetensors`
 * @throws LimbeckError FILE_CORRUPT, also when there is not one row for each text
 */
export function parseHeldOut(texts: Named<string>, rows: Named<Uint8Array>): HeldOutRows {
  const lines = texts.content.split('\n').filter((line) => line !== '');
  const samples = lines.map((line, i) => {
    try {
      return heldOutLine.parse(JSON.parse(line));
    } catch (cause) {
      throw new LimbeckError(
        'FILE_CORRUPT',
        `${texts.name}: expected {"text", "label"} in line ${i + 1}, got ${JSON.stringify(line.slice(0, 40))}. Run again.`,
        { cause },
      );
    }
  });
  const stored = readSafetensors(rows.content, rows.name);
  const [teacher, student] = ['teacher', 'student'].map((name) => {
    const { shape, data } = stored.tensor(name);
    if (shape.length !== 2 || shape[0] !== samples.length) {
      throw new LimbeckError(
        'FILE_CORRUPT',
        `${rows.name}: expected ${samples.length} rows in tensor "${name}", one for each text, got the shape [${shape.join(', ')}]. Run again.`,
      );
    }
    return new Matrix(shape[0], shape[1], data);
  });
  return {
    texts: samples.map(({ text }) => text),
    classes: samples.map(({ label, supersense }) => label ?? supersense),
    teacher,
    student,
  };
}

/** The contents of both files, as {@link parseHeldOut} reads them. */
export function formatHeldOut({ texts, classes, teacher, student }: HeldOutRows): { texts: string; rows: Uint8Array } {
  const lines = texts.map((text, i) => `${JSON.stringify({ text, label: classes[i] })}\n`);
  const floats = ({ rows, columns, data }: Matrix) => ({ shape: [rows, columns], data: data as Float32Array });
  return { texts: lines.join(''), rows: writeSafetensors({ teacher: floats(teacher), student: floats(student) }) };
}

/** Seeds the layout of the map. */
const MAP_SEED = 0;

/** Null for too few rows to draw. */
export function heldOutMap({ texts, classes, teacher, student }: HeldOutRows): EmbeddingMap | null {
  if (texts.length < 2) return null;
  const classNames = [...new Set(classes.map((name) => name ?? 'without a class'))].sort();
  const { a, b } = projectTogether(teacher, student, { seed: MAP_SEED });
  return {
    classNames,
    labels: classes.map((name) => classNames.indexOf(name ?? 'without a class')),
    texts,
    teacher: a,
    student: b,
  };
}
