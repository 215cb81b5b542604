/** Held-out samples that a run kept, with the rows of teacher and student: read from its files, and laid out as the map of its report. */
import * as z from 'zod';
import { LimbeckError } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import { readSafetensors, type SafetensorsFile, writeSafetensors } from '../teachers/safetensors.ts';
import { projectTogether, type XY } from './project-together.ts';

/** Samples as people read them. */
export interface DescribedSamples {
  readonly texts: readonly string[];
  /** The class of each; undefined where they have none. */
  readonly classes: readonly (string | undefined)[];
}

export interface HeldOutRows extends DescribedSamples {
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
 * @param texts a `texts.jsonl`
 * @throws LimbeckError FILE_CORRUPT
 */
export function parseDescribedSamples({ name, content }: Named<string>): DescribedSamples {
  const lines = content.split('\n').filter((line) => line !== '');
  const samples = lines.map((line, i) => {
    try {
      return heldOutLine.parse(JSON.parse(line));
    } catch (cause) {
      throw new LimbeckError(
        'FILE_CORRUPT',
        `${name}: expected {"text", "label"} in line ${i + 1}, got ${JSON.stringify(line.slice(0, 40))}. Run again.`,
        { cause },
      );
    }
  });
  return {
    texts: samples.map(({ text }) => text),
    classes: samples.map(({ label, supersense }) => label ?? supersense),
  };
}

/** As {@link parseDescribedSamples} reads them. */
export function formatDescribedSamples({ texts, classes }: DescribedSamples): string {
  return texts.map((text, i) => `${JSON.stringify({ text, label: classes[i] })}\n`).join('');
}

/**
 * The rows of as many samples, from a tensor of a file.
 *
 * @throws LimbeckError FILE_CORRUPT, also when there is not one row for each sample
 */
export function rowsOf(stored: SafetensorsFile, tensor: string, samples: number): Matrix {
  const { shape, data } = stored.tensor(tensor);
  if (shape.length !== 2 || shape[0] !== samples) {
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${stored.name}: expected ${samples} rows in tensor "${tensor}", one for each text, got the shape [${shape.join(', ')}]. Run again.`,
    );
  }
  return new Matrix(shape[0], shape[1], data);
}

/**
 * @param texts `held-out/texts.jsonl`
 * @param rows `held-out/rows.safetensors`
 * @throws LimbeckError FILE_CORRUPT, also when there is not one row for each text
 */
export function parseHeldOut(texts: Named<string>, rows: Named<Uint8Array>): HeldOutRows {
  const samples = parseDescribedSamples(texts);
  const stored = readSafetensors(rows.content, rows.name);
  const [teacher, student] = ['teacher', 'student'].map((name) => rowsOf(stored, name, samples.texts.length));
  return { ...samples, teacher, student };
}

/** The contents of both files, as {@link parseHeldOut} reads them. */
export function formatHeldOut({ texts, classes, teacher, student }: HeldOutRows): { texts: string; rows: Uint8Array } {
  const floats = ({ rows, columns, data }: Matrix) => ({ shape: [rows, columns], data: data as Float32Array });
  return {
    texts: formatDescribedSamples({ texts, classes }),
    rows: writeSafetensors({ teacher: floats(teacher), student: floats(student) }),
  };
}

/** Seeds the layout of the map. */
const MAP_SEED = 0;

/** Held-out samples on two maps: what the report of a run draws. */
export interface EmbeddingMap {
  /** The name of class i at place i. */
  readonly classNames: readonly string[];
  /** A class number for each text. */
  readonly labels: ArrayLike<number>;
  readonly texts: readonly string[];
  /** A point for each text, from {@link projectTogether}. */
  readonly teacher: readonly XY[];
  readonly student: readonly XY[];
}

/** Null for too few rows to draw. */
export function heldOutMap({ teacher, student, ...samples }: HeldOutRows): EmbeddingMap | null {
  if (samples.texts.length < 2) return null;
  const { a, b } = projectTogether(teacher, student, { seed: MAP_SEED });
  return { ...classesOf(samples), texts: samples.texts, teacher: a, student: b };
}

/** Class names in order, and the number of each sample's class among them. */
export function classesOf({ classes }: DescribedSamples): Pick<EmbeddingMap, 'classNames' | 'labels'> {
  const names = classes.map((name) => name ?? 'without a class');
  const classNames = [...new Set(names)].sort();
  return { classNames, labels: names.map((name) => classNames.indexOf(name)) };
}
