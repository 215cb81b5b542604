/**
 * The embedding map while a student trains: where the teacher has held-out texts is laid out once, and a student's row lies at the mean place of
 * the teacher rows that are nearest to it. So only the student moves, and a dot on its own teacher's place is a text that is found.
 *
 * For looking at: the map of a finished run's report is a joint layout of both.
 */
import { type Matrix, nearestNeighbours, projectTogether } from 'limbeck';

/** More dots would hide each other. */
const MOST = 300;

/** Teacher rows that say where a student's row lies. */
const NEAREST = 3;

export class LiveMap {
  readonly texts: readonly string[];
  /** x, y for each text, in [0, 1]. */
  readonly places: Float32Array;
  readonly #teacher: Matrix;

  /** @param teacher a row for each text, four at least */
  constructor(texts: readonly string[], teacher: Matrix) {
    const kept = Math.min(MOST, texts.length);
    const numbers = Array.from({ length: kept }, (_, i) => i);
    this.texts = texts.slice(0, kept);
    this.#teacher = teacher.gather(numbers);
    const half = Math.floor(kept / 2);
    // One layout: that its rows come in two parts changes nothing.
    const { a, b } = projectTogether(
      this.#teacher.gather(numbers.slice(0, half)),
      this.#teacher.gather(numbers.slice(half)),
      {
        seed: 0,
      },
    );
    this.places = inUnitSquare([...a, ...b]);
  }

  /** @param student a row for each text of the map */
  placesOf(student: Matrix): Float32Array {
    const { indices, scores, k } = nearestNeighbours(student, this.#teacher, NEAREST);
    const places = new Float32Array(2 * student.rows);
    for (let i = 0; i < student.rows; i++) {
      const best = scores[i * k];
      let total = 0;
      for (let n = i * k; n < (i + 1) * k; n++) {
        // A row on top of one teacher row lies there, one between several between them.
        const weight = Math.exp((scores[n] - best) / 0.05);
        total += weight;
        for (const axis of [0, 1]) places[2 * i + axis] += weight * this.places[2 * indices[n] + axis];
      }
      for (const axis of [0, 1]) places[2 * i + axis] /= total;
    }
    return places;
  }
}

/** Both axes by one scale, the middle in the middle. */
function inUnitSquare(points: readonly (readonly [number, number])[]): Float32Array {
  const ends = [0, 1].map((axis) => {
    const values = points.map((point) => point[axis]);
    return [Math.min(...values), Math.max(...values)];
  });
  const scale = 1 / (Math.max(...ends.map(([low, high]) => high - low)) || 1);
  return Float32Array.from(
    points.flatMap((point) => point.map((value, axis) => 0.5 + (value - (ends[axis][0] + ends[axis][1]) / 2) * scale)),
  );
}
