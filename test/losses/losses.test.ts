/** The symbolic losses by themselves: closed forms, gradients by central differences, and the edges of the normalisation. */
import { describe, expect, it } from 'vitest';
import { gradients, input, type SymbolicTensor, sum } from '../../src/graph/index.ts';
import { contrastiveLoss, sharesWithinRange } from '../../src/losses/contrastive.ts';
import { cosineLoss, l2Normalize, rowDot } from '../../src/losses/cosine.ts';
import { responseLoss } from '../../src/losses/response.ts';
import { squaredErrorLoss } from '../../src/losses/squared-error.ts';
import { Random } from '../../src/matrix/random.ts';
import { compile } from '../../src/runtime/program.ts';
import { floatTensor, int32Tensor } from '../../src/runtime/tensors.ts';
import { checkGradient } from '../graph/check-gradient.ts';

describe('gradients of every input, in float64, below 1e-6', () => {
  it('l2Normalize and rowDot', async () => {
    await checkGradient({ shapes: [[4, 3]], build: ([x]) => l2Normalize(x) });
    await checkGradient({ shapes: [[5, 2]], symbolic: [['batch', 'width']], build: ([x]) => l2Normalize(x), seed: 2 });
    await checkGradient({
      shapes: [
        [3, 4],
        [3, 4],
      ],
      build: ([a, b]) => rowDot(a, b),
    });
  });

  it('cosine and squared error, by student and by teacher', async () => {
    const shapes = [
      [4, 3],
      [4, 3],
    ];
    await checkGradient({ shapes, build: ([s, t]) => cosineLoss(s, t) });
    await checkGradient({ shapes, build: ([s, t]) => squaredErrorLoss(s, t) });
  });

  it('response, by student, teacher, temperature, alpha and labels', async () => {
    const values = (random: { normal(): number; uniform(): number }, i: number) =>
      i < 2 ? random.normal() : 0.3 + random.uniform();
    await checkGradient({
      shapes: [[3, 4], [3, 4], []],
      values,
      build: ([student, teacher, temperature]) => responseLoss({ student, teacher, temperature, alpha: temperature }),
    });
    await checkGradient({
      shapes: [[3, 4], [3, 4], [], [], [3, 4]],
      values,
      build: ([student, teacher, temperature, alpha, labels]) =>
        responseLoss({ student, teacher, temperature, alpha, labels }),
    });
  });

  it('contrastive, by anchors, own keys, block keys, targets and temperature', async () => {
    const values = (random: { normal(): number; uniform(): number }, i: number) =>
      i < 3 ? random.normal() : 0.3 + random.uniform();
    await checkGradient({
      shapes: [[4, 3], [4, 3], [6, 3], []],
      values,
      build: ([anchors, own, keys, temperature]) =>
        contrastiveLoss({ anchors, own, ownApart: true, blocks: [{ keys }], temperature }),
    });
    await checkGradient({
      shapes: [[4, 3], [4, 3], [6, 3], [], [4, 6], [4, 1]],
      values,
      build: ([anchors, own, keys, temperature, targets, ownTarget]) =>
        contrastiveLoss({
          anchors,
          own,
          ownApart: true,
          ownTarget,
          blocks: [{ keys, targets }, { keys: own }],
          temperature,
        }),
    });
  });
});

describe('contrastive, read off the own keys’ shares', () => {
  const dims = { batch: 7, width: 5, keys: 6 };
  const random = new Random(3);
  const unit = (rows: number): number[][] =>
    Array.from({ length: rows }, () => {
      const row = Array.from({ length: dims.width }, () => random.normal());
      return row.map((x) => x / Math.hypot(...row));
    });
  const [anchors, own, keys] = [unit(dims.batch), unit(dims.batch), unit(dims.keys)];
  const hidden = Array.from({ length: dims.batch * dims.keys }, (_, k) => (k % 4 === 1 ? Number.NEGATIVE_INFINITY : 0));

  /** Loss and gradients by anchors, own keys and the block's keys, with and without `ownColumns`. */
  async function both(dtype: 'float32' | 'float64', temperature: number, apart: boolean, opposite = false) {
    const names = ['anchors', 'own', 'keys'] as const;
    const [a, o, k] = [
      input('anchors', dtype, ['batch', dims.width]),
      input('own', dtype, ['batch', dims.width]),
      input('keys', dtype, ['other', dims.width]),
    ];
    const mask = input('mask', dtype, ['batch', 'other']);
    const columns = input('columns', 'int32', ['batch', 1]);
    const tau = input('temperature', dtype, []);
    const blocks = [{ keys: k, mask }, ...(apart ? [] : [{ keys: o }])];
    const terms = { anchors: a, own: o, ownApart: apart, blocks, temperature: tau };
    const outputs: Record<string, SymbolicTensor> = {};
    for (const [name, loss] of Object.entries({
      plain: contrastiveLoss(terms),
      fast: contrastiveLoss({ ...terms, ownColumns: columns }),
    })) {
      outputs[name] = loss;
      for (const [i, g] of gradients(loss, [a, o, k]).entries()) outputs[`${name} ${names[i]}`] = g;
    }
    const program = await compile({ inputs: [a, o, k, mask, tau, columns], outputs });
    const array = (values: number[]) => (dtype === 'float64' ? Float64Array : Float32Array).from(values);
    const rows = opposite ? own.map((row) => row.map((x) => -x)) : anchors;
    const results = await program.run({
      anchors: floatTensor(array(rows.flat()), [dims.batch, dims.width]),
      own: floatTensor(array(own.flat()), [dims.batch, dims.width]),
      keys: floatTensor(array(keys.flat()), [dims.keys, dims.width]),
      mask: floatTensor(array(hidden), [dims.batch, dims.keys]),
      temperature: floatTensor(array([temperature]), []),
      // The batch's own keys are the second block, or the one column behind the first.
      columns: int32Tensor(
        Int32Array.from(own, (_, i) => dims.keys + (apart ? 0 : i)),
        [dims.batch, 1],
      ),
    });
    await program.release();
    return results;
  }

  it.each([
    ['float64', 1e-12],
    ['float32', 3e-6],
  ] as const)(
    '%s: the loss and the gradients of the plain form, relative to the largest entry, below %g',
    async (dtype, tolerance) => {
      for (const temperature of [1, 0.07, 1 / 32]) {
        expect(sharesWithinRange(temperature)).toBe(true);
        for (const apart of [false, true]) {
          for (const opposite of [false, true]) {
            const results = await both(dtype, temperature, apart, opposite);
            for (const what of ['', ' anchors', ' own', ' keys']) {
              const [plain, fast] = [results[`plain${what}`].data, results[`fast${what}`].data].map((d) =>
                Array.from(d, Number),
              );
              const scale = Math.max(...plain.map(Math.abs));
              expect(scale).toBeGreaterThan(0);
              for (const [i, value] of plain.entries())
                expect(Math.abs(fast[i] - value) / scale, `${temperature}${what}`).toBeLessThan(tolerance);
            }
          }
        }
      }
    },
  );

  it('not where a share could vanish', () => {
    expect(sharesWithinRange(0.03)).toBe(false);
  });
});

describe('l2Normalize', () => {
  async function normalize(rows: number[][], dtype: 'float32' | 'float64') {
    const x = input('x', dtype, ['batch', 'width']);
    const u = l2Normalize(x);
    const program = await compile({ inputs: [x], outputs: { u, g: gradients(sum(u), [x])[0] } });
    const data = (dtype === 'float64' ? Float64Array : Float32Array).from(rows.flat());
    const results = await program.run({ x: floatTensor(data, [rows.length, rows[0].length]) });
    await program.release();
    return { u: Array.from(results.u.data, Number), g: Array.from(results.g.data, Number) };
  }

  it.each([
    ['float32', 6],
    ['float64', 15],
  ] as const)('rows of 1e-11 to 1e30 in %s; below 1e-12 zero, gradient 0', async (dtype, digits) => {
    const { u, g } = await normalize(
      [
        [3, 4],
        [3e30, -4e30],
        [3e-11, 4e-11],
        [3e-13, 4e-13],
        [1e-30, 0],
        [0, 0],
      ],
      dtype,
    );
    const expected = [0.6, 0.8, 0.6, -0.8, 0.6, 0.8, 0, 0, 0, 0, 0, 0];
    for (const [k, value] of expected.entries()) expect(u[k]).toBeCloseTo(value, digits);
    // (g − u(u·g)) / ‖x‖ with g = (1, 1): (1 − 0.6 · 1.4, 1 − 0.8 · 1.4) / 5
    expect(g[0]).toBeCloseTo(0.16 / 5, digits);
    expect(g[1]).toBeCloseTo(-0.12 / 5, digits);
    expect(g[2] * 5e30).toBeCloseTo(1.12, digits - 1);
    expect(g[4] * 5e-11).toBeCloseTo(0.16, digits - 1);
    expect(g.slice(6).every((x) => x === 0)).toBe(true);
  });

  it('ties of the largest entry', async () => {
    const { u, g } = await normalize([[2, 2, -2, 2]], 'float64');
    expect(u).toEqual([0.5, 0.5, -0.5, 0.5]);
    // g = (1, 1, 1, 1), u·g = 1, ‖x‖ = 4
    for (const [k, value] of [0.125, 0.125, 0.375, 0.125].entries()) expect(g[k]).toBeCloseTo(value, 15);
  });
});
