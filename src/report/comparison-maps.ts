/** The maps of a comparison: the kept samples by the teacher, and by the student of the baseline and of the best other method. */
import type { Matrix } from '../matrix/matrix.ts';
import type { ComparisonSamples } from './comparison-samples.ts';
import type { EmbeddingMaps, MapPanel } from './embedding-maps.ts';
import { classesOf } from './held-out.ts';
import { projectSets, type XY } from './project-together.ts';
import type { ShownRows } from './shown-runs.ts';

/** Seeds the layout of the maps. */
const SEED = 0;
/** Below this a projection shows nothing. */
const LEAST_SAMPLES = 3;

/**
 * One projection of everything that is in the teacher's space; what has a space of its own is projected alone.
 *
 * @returns undefined for too few samples
 */
export function comparisonMaps(samples: ComparisonSamples, students: readonly ShownRows[]): EmbeddingMaps | undefined {
  const { texts, teacher } = samples;
  if (texts.length < LEAST_SAMPLES || students.length === 0) return undefined;
  const project = (sets: readonly Matrix[]): XY[][] => (sets.length === 0 ? [] : projectSets(sets, { seed: SEED }));
  const isApart = ({ method, rows }: ShownRows): boolean => method.ownSpace || rows.columns !== teacher?.columns;
  const together = students.filter((one) => !isApart(one));
  const [first, ...shared] = project([...(teacher ? [teacher] : []), ...together.map(({ rows }) => rows)]);
  const panels = students.map((one): MapPanel => {
    const title = one.method.name;
    if (!isApart(one)) return { title, points: shared[together.indexOf(one)] };
    return { title, points: project([one.rows])[0], apart: true };
  });
  return {
    ...{ ...classesOf(samples), texts },
    panels: [...(teacher ? [{ title: 'Teacher', points: first }] : []), ...panels],
  };
}
