/** What is known about a batch in numbers before its loss is computed, and the names that its parts have in graphs. */
import { LimbeckError } from '../errors.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { BatchFacts, ConcreteBatch, LayerFacts, Outputs } from './batch.ts';
import { toClassIndices } from './inputs.ts';

/** The run-time size that is the width of a layer; one name for both sides where they have to agree. */
function widthName(layer: string, side: 'student' | 'teacher'): string {
  return `${side} width of ${layer}`;
}

/** The name of the outputs among the layers; no layer can have it, since layer names are not blank. */
export const OUTPUTS = '';

/**
 * @param equalWidths whether the layers are as wide in the student as in the teacher
 * @throws LimbeckError SHAPE_MISMATCH, INVALID_ARGUMENT
 */
export function batchFacts(
  { outputs, layers, labels, sampleIds, duplicateOf, step = 0 }: ConcreteBatch,
  equalWidths: boolean,
): BatchFacts {
  const pairs = allPairs({ layers, outputs });
  const [{ student: first }] = pairs.values();
  for (const [name, { student }] of pairs) {
    if (student.rows !== first.rows || student.dtype !== first.dtype) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `layer "${name}": expected ${first.rows} rows of ${first.dtype} like the others, got ${student.rows} of ${student.dtype}.`,
      );
    }
  }
  if (sampleIds && sampleIds.length !== first.rows) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `sampleIds: expected one for each of the ${first.rows} rows, got ${sampleIds.length}.`,
    );
  }
  return {
    rows: first.rows,
    dtype: first.dtype,
    hasOutputs: outputs?.teacher !== undefined,
    layers: new Map(
      [...layers].map(([name, { student, teacher }]): [string, LayerFacts] => [
        name,
        {
          width: student.columns,
          dimension: widthName(name, 'student'),
          teacherWidth: teacher.columns,
          teacherDimension: widthName(name, equalWidths ? 'student' : 'teacher'),
          teacherRows: teacher,
        },
      ]),
    ),
    classIndices: labels && layers.size > 0 ? toClassIndices(labels, first.rows) : undefined,
    sampleIds,
    duplicateOf,
    step,
  };
}

/** The layers and, under their own name, the outputs. */
export function allPairs({ layers, outputs }: ConcreteBatch): ReadonlyMap<string, Outputs<Matrix>> {
  return outputs ? new Map([...layers, [OUTPUTS, outputs]]) : layers;
}

/** The same with widths written as numbers: parameters have known sizes, and so do the layers that they meet. */
export function withKnownWidths(facts: BatchFacts): BatchFacts {
  const layers = [...facts.layers].map(([name, layer]): [string, LayerFacts] => [
    name,
    { ...layer, dimension: layer.width, teacherDimension: layer.teacherWidth },
  ]);
  return { ...facts, layers: new Map(layers) };
}
