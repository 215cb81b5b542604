/**
 * The gradient of a whole student by central differences in float64: for every parameter by itself, the slope of a loss along a random
 * direction, against the gradient that training uses.
 */
import { expect } from 'vitest';
import * as g from '../../src/graph/index.ts';
import { Random } from '../../src/matrix/random.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';
import type { StudentBatch, TrainableStudent } from '../../src/students/student.ts';
import { trainingGraph } from './training-graph.ts';

const STEP = 1e-6;

/** @returns the largest error, relative to the parameter's slope or a thousandth of the whole gradient, whichever is larger */
export async function worstDerivative<Sample, Encoded>(
  student: TrainableStudent<Sample, Encoded>,
  batch: StudentBatch,
  rows: number,
): Promise<number> {
  const random = new Random(11);
  const [layer, width] = [...student.layers][0];
  const classes = student.classes as number;
  const weights = (columns: number) => ({
    shape: ['batch', columns],
    tensor: floatTensor(
      Float32Array.from({ length: rows * columns }, () => random.normal()),
      [rows, columns],
    ),
  });
  const feeds = { ...batch.feeds, ofEmbeddings: weights(width), ofLogits: weights(classes) };
  const graph = await trainingGraph(student, { ...batch, feeds }, 'float64', (outputs, { ofEmbeddings, ofLogits }) => {
    const embeddings = outputs.layers.get(layer) as g.SymbolicTensor;
    const logits = outputs.outputs as g.SymbolicTensor;
    return { loss: g.add(g.sum(g.mul(embeddings, ofEmbeddings)), g.sum(g.mul(logits, ofLogits))), embeddings, logits };
  });
  // Away from 0 and 1, where biases and gains start and a mistake could hide.
  const values = Object.fromEntries(
    student.parameters.map(({ name, data }) => [name, Float64Array.from(data, (x) => x + 0.1 * random.normal())]),
  );
  const results = await graph.run(values);
  expect(results.embeddings.length).toBe(rows * width);
  expect(results.logits.length).toBe(rows * classes);
  const whole = Math.hypot(
    ...student.parameters.flatMap(({ name }) => Array.from(results[`gradient ${name}`], Number)),
  );
  let worst = 0;
  for (const { name, shape, sparse } of student.parameters) {
    const gradient = results[`gradient ${name}`] as Float64Array;
    const direction = Float64Array.from(values[name], () => random.normal());
    const norm = Math.hypot(...direction);
    const at = async (offset: number): Promise<number> => {
      const moved = values[name].map((x, k) => x + (offset * direction[k]) / norm);
      return Number((await graph.run({ ...values, [name]: moved })).loss[0]);
    };
    const measured = ((await at(STEP)) - (await at(-STEP))) / (2 * STEP);
    const columns = shape.slice(1).reduce((n, d) => n * d, 1);
    const place = (k: number) => (sparse ? batch.rows[Math.floor(k / columns)] * columns + (k % columns) : k);
    const slope = gradient.reduce((sum, x, k) => sum + (x * direction[place(k)]) / norm, 0);
    worst = Math.max(worst, Math.abs(slope - measured) / Math.max(Math.abs(measured), 1e-3 * whole));
  }
  await graph.release();
  return worst;
}
