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
import type { LayerFacts, Pair } from './batch.ts';

/** Which networks have a head. */
export type Projection = 'none' | 'student' | 'both';

/** What an error about widths advises. */
export const PROJECTION_ADVICE =
  "Set the option projection to 'student', which trains a linear map into the teacher's space along with the student.";

/** The option `projectionDimension`, the same wherever both networks can have heads. */
export const projectionDimension = () =>
  z.int().min(1).default(128).describe("a whole number ≥ 1: the width of both heads with projection: 'both'");

export interface ProjectionRequest {
  readonly projection: Projection;
  /** Width of both heads. */
  readonly dimension: number;
  readonly seed: number;
}

const weightName = (side: keyof Pair<unknown>): string => `${side} head weight`;
const biasName = (side: keyof Pair<unknown>): string => `${side} head bias`;

/** Makes the heads when the widths are known, and keeps them. */
export class ProjectionHeads {
  #made:
    | { readonly request: ProjectionRequest; readonly widths: Pair<number>; readonly parameters: readonly Parameter[] }
    | undefined;

  /**
   * The heads' parameters. Heads are made once; another projection or dimension makes new ones.
   *
   * @throws LimbeckError SHAPE_MISMATCH when the heads were made for other widths
   */
  parameters(request: ProjectionRequest, widths: Pair<number>): readonly Parameter[] {
    if (request.projection === 'none') return [];
    const made = this.#made;
    if (made && made.request.projection === request.projection && made.request.dimension === request.dimension) {
      if (made.widths.student !== widths.student || made.widths.teacher !== widths.teacher) {
        const said = ({ student, teacher }: Pair<number>): string => `${student} (student) and ${teacher} (teacher)`;
        throw new LimbeckError(
          'SHAPE_MISMATCH',
          `Projection heads: expected rows of the widths that they were made for, ${said(made.widths)}, got ${said(widths)}. ` +
            'Use a strategy of its own for each pair of networks.',
        );
      }
      return made.parameters;
    }
    const head = (side: keyof Pair<unknown>, from: number, to: number): Parameter[] => {
      const random = Random.forPurpose(request.seed, `${side} head`);
      // As torch.nn.Linear, which the paper's code uses.
      const bound = 1 / Math.sqrt(from);
      const uniform = (length: number) => Float32Array.from({ length }, () => (2 * random.uniform() - 1) * bound);
      return [
        { name: weightName(side), shape: [from, to], data: uniform(from * to), sparse: false, decay: true },
        { name: biasName(side), shape: [to], data: uniform(to), sparse: false, decay: false },
      ];
    };
    const { projection, dimension } = request;
    const parameters =
      projection === 'student'
        ? head('student', widths.student, widths.teacher)
        : [...head('student', widths.student, dimension), ...head('teacher', widths.teacher, dimension)];
    this.#made = { request, widths, parameters };
    return parameters;
  }
}

/** The width at which rows are compared, as a number and as the graph writes it. */
export function comparedWidth(
  { width, dimension, teacherWidth, teacherDimension }: LayerFacts,
  { projection, dimension: both }: ProjectionRequest,
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
  const head = (side: keyof Pair<unknown>): LinearHead | undefined => {
    const weight = parameters[weightName(side)];
    return weight && { weight, bias: parameters[biasName(side)] };
  };
  const [ofStudent, ofTeacher] = [head('student'), head('teacher')];
  return {
    student: ofStudent ? project(student, ofStudent) : student,
    teacher: ofTeacher ? project(teacher, ofTeacher) : teacher,
  };
}
