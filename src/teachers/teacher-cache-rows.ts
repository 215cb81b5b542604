/** The rows of one shard from a teacher, checked before they are stored. */
import type { Dataset } from '../data/dataset.ts';
import { LimbeckError, show } from '../errors.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { Teacher } from './teacher.ts';
import { firstNonFinite, LARGEST_HALF, type Shard, type ShardRows } from './teacher-cache-shard.ts';

/**
 * Reads the samples of a shard and asks the teacher about them, once for embeddings and outputs together.
 *
 * @throws LimbeckError DATA_MISMATCH when the data give another number of samples; SHAPE_MISMATCH; NON_FINITE naming the sample;
 *   INVALID_OPTION for rows too large for float16. Errors of the teacher and of the data pass through.
 */
export async function askTeacher<Sample>(
  teacher: Teacher<Sample>,
  data: Dataset<Sample>,
  { positions, classes, dtype }: Shard,
  signal: AbortSignal | undefined,
): Promise<ShardRows> {
  const inputs = await data.read(positions);
  if (inputs.length !== positions.length) {
    throw new LimbeckError(
      'DATA_MISMATCH',
      `Data: expected ${positions.length} samples for as many numbers, got ${inputs.length}. Mend the data set's read().`,
    );
  }
  signal?.throwIfAborted();
  const options = { samples: { data, numbers: positions }, ...(signal && { signal }) };
  const nameOf = (i: number) => sampleName(data, positions[i], inputs[i]);
  if (classes === undefined || !teacher.predict) {
    const embeddings = await teacher.embed(inputs, options);
    return { embeddings: checkedRows(embeddings, [inputs.length, teacher.dimension], 'Teacher', nameOf, dtype) };
  }
  const { embeddings, outputs } = await teacher.predict(inputs, options);
  if (!outputs) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `Teacher: expected outputs of ${classes} classes, as it announces, got none. Mend the teacher's predict().`,
    );
  }
  return {
    embeddings: checkedRows(embeddings, [inputs.length, teacher.dimension], 'Teacher', nameOf, dtype),
    outputs: checkedRows(outputs, [inputs.length, classes], 'Teacher outputs', nameOf, 'float32'),
  };
}

/** How a sample is called in messages: its number, and what tells it from others. */
function sampleName<Sample>({ ids }: Dataset<Sample>, number: number, sample: Sample): string {
  if (typeof sample === 'string') return `text ${number}, ${show(sample)}`;
  return ids ? `sample ${number}, ${show(ids[number])}` : `sample ${number}`;
}

function checkedRows(
  matrix: Matrix,
  [count, width]: readonly [number, number],
  what: string,
  nameOf: (i: number) => string,
  dtype: 'float32' | 'float16',
): Float32Array {
  const { rows, columns, data } = matrix.as('float32');
  if (rows !== count || columns !== width) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `${what}: expected ${count} rows of ${width} for as many samples, got ${rows} × ${columns}.`,
    );
  }
  const bad = firstNonFinite(data);
  if (bad >= 0) {
    const name = nameOf(Math.floor(bad / columns));
    throw new LimbeckError(
      'NON_FINITE',
      `${what}: expected finite numbers, got ${data[bad]} in column ${bad % columns} for ${name}. ` +
        'Mend the teacher or take the sample out of the data.',
    );
  }
  const large = dtype === 'float16' ? data.findIndex((entry: number) => Math.abs(entry) > LARGEST_HALF) : -1;
  if (large >= 0) {
    const name = nameOf(Math.floor(large / columns));
    throw new LimbeckError(
      'INVALID_OPTION',
      `dtype: expected rows within ±${LARGEST_HALF} for 'float16', got ${data[large]} in column ${large % columns} for ${name}. ` +
        "Use dtype: 'float32'.",
    );
  }
  return data as Float32Array;
}
