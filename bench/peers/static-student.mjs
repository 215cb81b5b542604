// The static text student of bench/steps.mjs for peers in JavaScript: its batches, its touched rows and AdamW, in plain loops over typed
// arrays. What is left to the library is the arithmetic, loss and gradients. Starts from the numbers that Limbeck's side has written.
import { readFileSync } from 'node:fs';

const RATE = 0.001;
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/** Steps whose losses tell whether both sides do the same. */
const FIRST_STEPS = 3;

/**
 * @param lossAndGradients async ({ shares, touched, rows, weights, projection, bias, keys, own }) → { loss, gradients: { rows, weights,
 *   projection, bias } }, typed arrays. shares [batch, touched], rows [touched, width], weights [touched, 1], projection [width, dimension],
 *   bias [dimension]; `keys`: the teacher's rows of the batch [batch, dimension], or undefined for the whole bank; `own` int32: the place
 *   of each text's own key
 * @returns { step, first }: a function for bench/serve.mjs, and the losses of the first steps
 */
export async function staticStudent({ files, vocabulary, width, dimension, bank }, lossAndGradients) {
  const parameters = {
    rows: state(readFloats(files.table), width),
    weights: state(new Float32Array(vocabulary).fill(1), 1),
    projection: state(readFloats(files.projection)),
    bias: state(new Float32Array(dimension)),
  };
  const teacher = readFloats(files.rows);
  const batches = JSON.parse(readFileSync(files.batches, 'utf8'));
  let steps = 0;
  const step = async () => {
    const { texts, sampleIds } = batches[steps % batches.length];
    const { touched, shares } = sharesOf(texts, vocabulary);
    const given = Object.fromEntries(
      Object.entries(parameters).map(([name, { value, columns }]) => [
        name,
        columns ? gather(value, touched, columns) : value,
      ]),
    );
    const keys = bank ? undefined : gather(teacher, sampleIds, dimension);
    const own = Int32Array.from(bank ? sampleIds : sampleIds.keys());
    const { loss, gradients } = await lossAndGradients({ ...given, shares, touched: touched.length, keys, own });
    steps++;
    for (const [name, parameter] of Object.entries(parameters)) {
      adam(parameter, gradients[name], parameter.columns ? touched : undefined, steps);
    }
    return { loss, gradient: gradients.bias };
  };
  const first = [];
  while (first.length < FIRST_STEPS) first.push((await step()).loss);
  return { step, first };
}

/** `columns`: of parameters of which a step touches some rows. */
function state(value, columns) {
  return { value, columns, first: new Float32Array(value.length), second: new Float32Array(value.length) };
}

export function readFloats(path) {
  const { buffer, byteOffset, byteLength } = readFileSync(path);
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

function sharesOf(texts, vocabulary) {
  const places = new Int32Array(vocabulary).fill(-1);
  const touched = [];
  for (const ids of texts) {
    for (const id of ids) {
      if (places[id] >= 0) continue;
      places[id] = touched.length;
      touched.push(id);
    }
  }
  const shares = new Float32Array(texts.length * touched.length);
  for (const [i, ids] of texts.entries()) {
    for (const id of ids) shares[i * touched.length + places[id]] += 1 / ids.length;
  }
  return { touched, shares };
}

function gather(table, rows, columns) {
  const result = new Float32Array(rows.length * columns);
  for (let i = 0; i < rows.length; i++) {
    result.set(table.subarray(rows[i] * columns, (rows[i] + 1) * columns), i * columns);
  }
  return result;
}

/** AdamW without decay, of the touched rows or of everything. */
function adam({ value, columns, first, second }, gradient, touched, step) {
  const [correction1, correction2] = [1 - BETA1 ** step, 1 - BETA2 ** step];
  const width = touched ? columns : value.length;
  for (let i = 0; i < (touched ? touched.length : 1); i++) {
    const start = touched ? touched[i] * width : 0;
    for (let j = 0; j < width; j++) {
      const [k, g] = [start + j, gradient[i * width + j]];
      first[k] = BETA1 * first[k] + (1 - BETA1) * g;
      second[k] = BETA2 * second[k] + (1 - BETA2) * g * g;
      value[k] -= (RATE * (first[k] / correction1)) / (Math.sqrt(second[k] / correction2) + EPSILON);
    }
  }
}
