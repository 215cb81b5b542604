/**
 * A small deterministic teacher for tests: counts of hashed pairs of characters, L2-normalised. It takes real time for every
 * character, so that a process which embeds with it can be caught in the middle of its work.
 */
import { Matrix } from '../../src/matrix/matrix.ts';
import type { Teacher } from '../../src/teachers/teacher.ts';

export class CountingTeacher implements Teacher {
  readonly fingerprint: string;
  readonly dimension: number;
  /** How many texts it has embedded. */
  embedded = 0;
  readonly #roundsPerCharacter: number;

  constructor(dimension: number, roundsPerCharacter = 1) {
    this.fingerprint = `counting-teacher/1 dimension=${dimension}`;
    this.dimension = dimension;
    this.#roundsPerCharacter = roundsPerCharacter;
  }

  async embed(inputs: readonly string[], options?: { signal?: AbortSignal }): Promise<Matrix> {
    const rows = Matrix.zeros(inputs.length, this.dimension);
    for (const [i, text] of inputs.entries()) {
      options?.signal?.throwIfAborted();
      const row = rows.row(i);
      for (let k = 0; k < text.length; k++) {
        let hash = text.charCodeAt(k) * 65_536 + text.charCodeAt((k + 1) % text.length);
        for (let r = 0; r < this.#roundsPerCharacter; r++) hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
        row[hash % this.dimension] += 1;
      }
      let squares = 0;
      for (let j = 0; j < row.length; j++) squares += row[j] ** 2;
      const norm = Math.sqrt(squares) || 1;
      for (let j = 0; j < row.length; j++) row[j] /= norm;
      this.embedded++;
    }
    return rows;
  }
}
