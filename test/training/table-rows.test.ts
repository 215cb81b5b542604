/** Rows of a table that travel: against a plain loop over rows, for batches that grow and shrink. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/matrix/random.ts';
import { TableRows } from '../../src/training/table-rows.ts';

describe('TableRows', () => {
  it.each([1, 3, 8])('width %i: gathers rows as they are, and puts back what was written', (width) => {
    const random = new Random(7);
    const size = 20;
    const plain = Array.from({ length: size }, () => Array.from({ length: width }, () => Math.fround(random.normal())));
    const rows = new TableRows(Float32Array.from(plain.flat()), width);
    for (const count of [2, 0, 5, 4, 20, 1]) {
      const touched = random.sample(size, count).sort();
      const gathered = rows.gather(touched);
      expect(Array.from(gathered)).toEqual(Array.from(touched).flatMap((row) => plain[row]));
      const next = rows.next(count);
      expect(next.length).toBe(count * width);
      // A program reads the one while it writes the other.
      for (let k = 0; k < next.length; k++) next[k] = gathered[k] + 1;
      expect(Array.from(gathered)).toEqual(Array.from(touched).flatMap((row) => plain[row]));
      expect(Array.from(rows.table)).toEqual(plain.flat());
      for (const row of touched) plain[row] = plain[row].map((value) => Math.fround(value + 1));
      rows.scatter(touched);
      expect(Array.from(rows.table)).toEqual(plain.flat());
    }
  });
});
