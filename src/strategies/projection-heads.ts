/**
 * Linear heads that a strategy trains along with the student, so that networks of different width can be compared: on the student,
 * into the teacher's space, or on both, into a space of their own.
 */
import * as z from 'zod';
import { LimbeckError } from '../errors.ts';
import type { Dimension, SymbolicTensor } from '../graph/index.ts';
import { type LinearHead, project } from '../losses/projection.ts';
import type { Parameter } from '../matrix/parameter.ts';
import { Random } from '../matrix/random.ts';
import type { LayerFacts, LayerWidths, Pair } from './batch.ts';

/** Which networks have a head. */
export type Projection = 'none' | 'student' | 'both';

/** What an error about widths advises. */
export const PROJECTION_ADVICE =
  "Set the option projection to 'student', which trains a linear map into the teacher's space along with the student.";

/** The paper's. */
const DEFAULT_DIMENSION = 128;

/** The option `projectionDimension`, the same wherever both networks can have heads. */
export const projectionDimension = () =>
  z
    .int()
    .min(1)
    .default(DEFAULT_DIMENSION)
    .describe("a whole number ≥ 1: the width of both heads with projection: 'both'");

export interface ProjectionRequest {
  readonly projection: Projection;
  /** Width of both heads, where both networks have one. */
  readonly dimension?: number;
  readonly seed: number;
}

type Side = keyof Pair<unknown>;

const weightName = (side: Side): string => `${side} head weight`;
const biasName = (side: Side): string => `${side} head bias`;

/** Makes the heads when the widths are known, and keeps them. */
export class ProjectionHeads {
  #made: { readonly form: string; readonly widths: LayerWidths; readonly parameters: readonly Parameter[] } | undefined;

  /**
   * The heads' parameters. Heads are made once; another projection or dimension makes new ones.
   *
   * @throws LimbeckError SHAPE_MISMATCH when the heads were made for other widths
   */
  parameters(request: ProjectionRequest, { width, teacherWidth }: LayerWidths): readonly Parameter[] {
    const { projection, dimension = DEFAULT_DIMENSION, seed } = request;
    if (projection === 'none') return [];
    const form = `${projection} ${dimension}`;
    if (this.#made?.form !== form) {
      const parameters =
        projection === 'student'
          ? head('student', width, teacherWidth, seed)
          : [...head('student', width, dimension, seed), ...head('teacher', teacherWidth, dimension, seed)];
      this.#made = { form, widths: { width, teacherWidth }, parameters };
    }
    const { widths, parameters } = this.#made;
    if (widths.width !== width || widths.teacherWidth !== teacherWidth) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `Projection heads: expected rows of the widths that they were made for, ${widths.width} (student) and ` +
          `${widths.teacherWidth} (teacher), got ${width} (student) and ${teacherWidth} (teacher). ` +
          'Use a strategy of its own for each pair of networks.',
      );
    }
    return parameters;
  }
}

/** Weight [from, to] and bias, as torch.nn.Linear begins, which the paper's code uses. */
function head(side: Side, from: number, to: number, seed: number): Parameter[] {
  const random = Random.forPurpose(seed, `${side} head`);
  const bound = 1 / Math.sqrt(from);
  const uniform = (length: number) => Float32Array.from({ length }, () => (2 * random.uniform() - 1) * bound);
  return [
    { name: weightName(side), shape: [from, to], data: uniform(from * to), sparse: false, decay: true },
    { name: biasName(side), shape: [to], data: uniform(to), sparse: false, decay: false },
  ];
}

/** The width at which rows are compared, as a number and as the graph writes it. */
export function comparedWidth(
  { width, dimension, teacherWidth, teacherDimension }: LayerFacts,
  { projection, dimension: both = DEFAULT_DIMENSION }: ProjectionRequest,
): { readonly width: number; readonly dimension: Dimension } {
  if (projection === 'none') return { width, dimension };
  if (projection === 'student') return { width: teacherWidth, dimension: teacherDimension };
  return { width: both, dimension: both };
}

/** Rows mapped by the heads that there are. */
export function projected(
  { student, teacher }: Pair<SymbolicTensor>,
  parameters: Readonly<Record<string, SymbolicTensor>>,
): Pair<SymbolicTensor> {
  const headOf = (side: Side): LinearHead | undefined => {
    const weight = parameters[weightName(side)];
    return weight && { weight, bias: parameters[biasName(side)] };
  };
  const [ofStudent, ofTeacher] = [headOf('student'), headOf('teacher')];
  return {
    student: ofStudent ? project(student, ofStudent) : student,
    teacher: ofTeacher ? project(teacher, ofTeacher) : teacher,
  };
}
