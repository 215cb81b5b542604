/** Runs a student's training graph by itself, in either precision: values, gradients, buffers. */
import * as g from '../../src/graph/index.ts';
import { compile } from '../../src/runtime/program.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';
import {
  type StudentBatch,
  type StudentOutputs,
  TOUCHED_ROWS,
  type TrainableStudent,
} from '../../src/students/student.ts';

type Arrays = Record<string, g.TypedArray>;

/**
 * Compiles loss, gradients by parameter and whatever else `read` takes from the outputs of the student. Feeds of the batch that
 * the student does not know are for `read`.
 */
export async function trainingGraph<Encoded>(
  student: TrainableStudent<never, Encoded>,
  batch: StudentBatch,
  dtype: g.FloatType,
  read: (
    outputs: StudentOutputs,
    feeds: Readonly<Record<string, g.SymbolicTensor>>,
  ) => { readonly loss: g.SymbolicTensor } & Record<string, g.SymbolicTensor>,
) {
  const feeds = Object.fromEntries(
    Object.entries(batch.feeds).map(([name, { shape, tensor }]) => [
      name,
      g.input(`feed ${name}`, tensor.dtype === 'float32' ? dtype : tensor.dtype, shape),
    ]),
  );
  const parameters = Object.fromEntries(
    student.parameters.map(({ name, shape, sparse }) => [
      name,
      g.input(name, dtype, sparse ? [TOUCHED_ROWS, ...shape.slice(1)] : shape),
    ]),
  );
  const buffers = Object.fromEntries(
    (student.buffers ?? []).map(({ name, shape }) => [name, g.input(name, dtype, shape)]),
  );
  const outputs = student.forward({ feeds, parameters, buffers });
  const wanted = read(outputs, feeds);
  const names = Object.keys(parameters);
  const gradients = g.gradients(wanted.loss, Object.values(parameters));
  const program = await compile({
    inputs: [feeds, parameters, buffers].flatMap((group) => Object.values(group)),
    outputs: { ...wanted, ...Object.fromEntries(names.map((name, i) => [`gradient ${name}`, gradients[i]])) },
  });
  const array = (data: ArrayLike<number>) => g.ARRAY_TYPES[dtype].from(data);
  const fixed = {
    ...Object.fromEntries(
      Object.entries(batch.feeds).map(([name, { tensor }]) => [
        `feed ${name}`,
        tensor.dtype === 'float32' ? floatTensor(array(tensor.data as Float32Array), tensor.dims) : tensor,
      ]),
    ),
    ...Object.fromEntries(
      (student.buffers ?? []).map(({ name, shape, data }) => [name, floatTensor(array(data), shape)]),
    ),
  };
  return {
    /** @param values parameters by name; of sparse ones, all rows, of which the touched are taken */
    async run(values: Readonly<Record<string, ArrayLike<number>>>): Promise<Arrays> {
      const fed = student.parameters.map(({ name, shape, sparse }) => {
        const width = shape.slice(1).reduce((n, d) => n * d, 1);
        const rows = sparse ? Array.from(batch.rows) : [];
        const touched = rows.flatMap((row) => Array.from({ length: width }, (_, k) => values[name][row * width + k]));
        const dims = sparse ? [rows.length, ...shape.slice(1)] : shape;
        return [name, floatTensor(array(sparse ? touched : values[name]), dims)];
      });
      const results = await program.run({ ...fixed, ...Object.fromEntries(fed) });
      return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data]));
    },
    release: () => program.release(),
  };
}

export const initialValues = (student: Pick<TrainableStudent, 'parameters'>) =>
  Object.fromEntries(student.parameters.map(({ name, data }) => [name, data]));
