import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import * as g from '../../src/graph/index.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import type { TensorData } from '../../src/runtime/backend.ts';
import { openModel } from '../../src/runtime/model.ts';
import { compile, type Program } from '../../src/runtime/program.ts';
import { floatTensor, int32Tensor, matrixTensor, scalarTensor } from '../../src/runtime/tensors.ts';

const code = (code: string, message: RegExp | string = '') =>
  expect.objectContaining({ name: 'LimbeckError', code, message: expect.stringMatching(message) });

const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program.release();
});
async function compiled(graph: g.Graph, threads?: number): Promise<Program> {
  const program = await compile(graph, threads === undefined ? {} : { threads });
  programs.push(program);
  return program;
}

/** out = a·b + 1 with a [batch, inner], b [inner, 2]. */
function affine(dtype: g.FloatType): g.Graph {
  const a = g.input('a', dtype, ['batch', 'inner']);
  const b = g.input('b', dtype, ['inner', 2]);
  return { inputs: [a, b], outputs: { out: g.add(g.matmul(a, b), 1), total: g.sum(a) } };
}
const f32 = (values: number[], dims: number[]) => floatTensor(Float32Array.from(values), dims);
const feeds = () => ({ a: f32([1, 2, 3, 4, 5, 6], [2, 3]), b: f32([1, 0, 0, 1, 1, 1], [3, 2]) });

describe('run', () => {
  it('holds to what was promised of a run-time size', async () => {
    const program = await compile(affine('float32'), {}, { batch: 2 });
    programs.push(program);
    expect((await program.run(feeds())).out.data).toEqual(Float32Array.of(5, 6, 11, 12));
    const three = { ...feeds(), a: f32([1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 3]) };
    await expect(program.run(three)).rejects.toThrow(code('SHAPE_MISMATCH', /multiple of 2 for batch.*got 3/));
  });

  it.each([
    ['float32', Float32Array],
    ['float64', Float64Array],
  ] as const)('computes in %s and returns that type', async (dtype, array) => {
    const program = await compiled(affine(dtype));
    const { out, total } = await program.run({
      a: floatTensor(array.from([0.1, 2, 3, 4, 5, 6]), [2, 3]),
      b: floatTensor(array.from([1, 0, 0, 1, 1, 1]), [3, 2]),
    });
    expect([out.dtype, out.dims, total.dims]).toEqual([dtype, [2, 2], []]);
    expect(out.data).toBeInstanceOf(array);
    // 0.1 shows the precision: float32 misses 4.1 by about 1e-7.
    const [first, ...rest] = Array.from(out.data as Float64Array);
    expect(rest).toEqual([6, 11, 12]);
    expect(Math.abs(first - 4.1)).toBeLessThan(dtype === 'float64' ? 1e-15 : 3e-7);
    if (dtype === 'float32') expect(first).not.toBe(4.1);
  });

  it('takes another run-time size each time, batch 1 and an empty batch included', async () => {
    const program = await compiled(affine('float32'));
    for (const [batch, inner] of [
      [2, 3],
      [1, 1],
      [5, 2],
      [0, 3],
    ]) {
      const { out } = await program.run({
        a: f32(Array(batch * inner).fill(1), [batch, inner]),
        b: f32(Array(inner * 2).fill(2), [inner, 2]),
      });
      expect(out.dims).toEqual([batch, 2]);
      expect(Array.from(out.data as Float32Array)).toEqual(Array(batch * 2).fill(2 * inner + 1));
    }
  });

  it('runs on one thread as well, with the same bits', async () => {
    const [one, two] = [await compiled(affine('float32'), 1), await compiled(affine('float32'), 2)];
    expect((await one.run(feeds())).out.data).toEqual((await two.run(feeds())).out.data);
  });

  it('runs the same program from several callers at once', async () => {
    const program = await compiled(affine('float32'));
    const runs = Array.from({ length: 8 }, (_, k) =>
      program.run({ ...feeds(), a: f32([k, 0, 0, 0, 0, 0], [2, 3]) }).then(({ out }) => out.data[0]),
    );
    expect(await Promise.all(runs)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('preallocated outputs', () => {
  it('are written in place, and only they', async () => {
    const program = await compiled(affine('float32'));
    const buffer = new Float32Array(4).fill(Number.NaN);
    const { out, total } = await program.run(feeds(), { out: floatTensor(buffer, [2, 2]) });
    expect(Array.from(buffer)).toEqual([5, 6, 11, 12]);
    expect(out.data === buffer).toBe(true);
    expect(total.data[0]).toBe(21);
    // Without `into`, a fresh array: the buffer is not written again.
    buffer.fill(-1);
    await program.run(feeds());
    expect(Array.from(buffer)).toEqual([-1, -1, -1, -1]);
  });

  it('may be a window of a larger array, whose rest stays', async () => {
    const program = await compiled(affine('float32'));
    const whole = new Float32Array(8).fill(9);
    await program.run(feeds(), { out: floatTensor(whole.subarray(2, 6), [2, 2]) });
    expect(Array.from(whole)).toEqual([9, 9, 5, 6, 11, 12, 9, 9]);
  });

  it('of every type, empty, a constant, an input, one tensor twice: written like the others, or made fresh', async () => {
    const x = g.input('x', 'float32', ['batch', 2]);
    const total = g.sum(x);
    const outputs = {
      same: x,
      constant: g.constant(Float64Array.of(1, 2, 3), 'float64'),
      total,
      again: total,
      positive: g.greater(x, 0),
      whole: g.cast(x, 'int64'),
      small: g.cast(x, 'int32'),
    };
    const program = await compiled({ inputs: [x], outputs });
    for (const rows of [2, 0]) {
      const data = f32([1, -2, 3, 4].slice(0, 2 * rows), [rows, 2]);
      const fresh = await program.run({ x: data });
      const arrays = Object.entries(fresh).map(([name, tensor]) => [
        name,
        { ...tensor, data: tensor.data.slice().fill((tensor.dtype === 'int64' ? 7n : 7) as never) },
      ]);
      const written = await program.run({ x: data }, Object.fromEntries(arrays));
      for (const results of [fresh, written]) {
        expect(Object.keys(results)).toEqual(Object.keys(outputs));
        expect(results.same).toEqual(data);
        expect(results.constant.data).toEqual(Float64Array.of(1, 2, 3));
        expect([results.total.data[0], results.again.data[0]]).toEqual(rows === 2 ? [6, 6] : [0, 0]);
        expect(results.positive.data).toEqual(Uint8Array.of(1, 0, 1, 1).subarray(0, 2 * rows));
        expect(results.whole.data).toEqual(BigInt64Array.of(1n, -2n, 3n, 4n).subarray(0, 2 * rows));
        expect(results.small.data).toEqual(Int32Array.of(1, -2, 3, 4).subarray(0, 2 * rows));
      }
    }
  });

  it('results of separate runs are separate arrays', async () => {
    const program = await compiled(affine('float32'));
    const [first, second] = [
      await program.run(feeds()),
      await program.run({ ...feeds(), a: f32(Array(6).fill(0), [2, 3]) }),
    ];
    expect(Array.from(first.out.data as Float32Array)).toEqual([5, 6, 11, 12]);
    expect(Array.from(second.out.data as Float32Array)).toEqual([1, 1, 1, 1]);
  });

  it('do not hide that a run fails, nor what a later one gives', async () => {
    const [table, rows] = [g.input('table', 'float32', [2]), g.input('rows', 'int32', ['n'])];
    const program = await compiled({ inputs: [table, rows], outputs: { picked: g.gather(table, rows) } });
    const run = (row: number) => program.run({ table: f32([5, 6], [2]), rows: int32Tensor(Int32Array.of(row), [1]) });
    await expect(run(2)).rejects.toThrow(/Gather/);
    expect((await run(1)).picked.data[0]).toBe(6);
  });

  it('cost no memory that stays: 3000 runs of 1 MB of results', async () => {
    const x = g.input('x', 'float32', [1 << 18]);
    const program = await compiled({ inputs: [x], outputs: { y: g.add(x, 1) } });
    const feed = { x: floatTensor(new Float32Array(1 << 18), [1 << 18]) };
    const into = { y: floatTensor(new Float32Array(1 << 18), [1 << 18]) };
    const runMany = async () => {
      for (let k = 0; k < 1500; k++) await program.run(feed, into);
      return process.memoryUsage().rss;
    };
    const before = await runMany();
    expect((await runMany()) - before).toBeLessThan(100e6);
  });

  it('of an unknown name, type or holding are refused, by name', async () => {
    const program = await compiled(affine('float32'));
    await expect(program.run(feeds(), { uot: floatTensor(new Float32Array(4), [2, 2]) })).rejects.toThrow(
      code('MISSING_INPUT', /"uot".*out, total|out, total.*"uot"/),
    );
    for (const wrong of [
      floatTensor(new Float64Array(4), [2, 2]),
      floatTensor(new Float32Array(3), [2, 2]),
      floatTensor(new Float32Array(4), [4]),
      floatTensor(new Float32Array(6), [3, 2]),
    ]) {
      await expect(program.run(feeds(), { out: wrong })).rejects.toThrow(
        code('SHAPE_MISMATCH', /"out".*float32\[batch, 2\].*got/),
      );
    }
  });
});

describe('inputs that do not fit', () => {
  it('missing or unknown: MISSING_INPUT with the name and what there is', async () => {
    const program = await compiled(affine('float32'));
    const { a, b } = feeds();
    await expect(program.run({ a })).rejects.toThrow(code('MISSING_INPUT', /"b".*float32\[inner, 2\].*got none/));
    await expect(program.run({ a, b, c: a })).rejects.toThrow(code('MISSING_INPUT', /a, b.*"c"/));
  });

  it.each<[string, TensorData, RegExp]>([
    ['type', floatTensor(new Float64Array(6), [3, 2]), /float64\[3, 2\]/],
    ['rank', f32([1, 0, 0, 1, 1, 1], [6]), /float32\[6\]/],
    ['rank, with sizes that would do', f32([1, 0, 0, 1, 1, 1], [3, 2, 1]), /float32\[3, 2, 1\]/],
    ['fixed size', f32([1, 0, 0, 1, 1, 1, 1, 1, 1], [3, 3]), /float32\[3, 3\]/],
    ['count of numbers', f32([1, 0, 0, 1, 1], [3, 2]), /5 entries/],
    ['array type', { dtype: 'float32', dims: [3, 2], data: new Float64Array(6) }, /Float64Array/],
  ])('wrong %s: SHAPE_MISMATCH', async (_, b, message) => {
    const program = await compiled(affine('float32'));
    const error = await program.run({ ...feeds(), b }).catch((error: Error) => error);
    expect(error).toEqual(code('SHAPE_MISMATCH', /input "b": expected float32\[inner, 2\]/));
    expect((error as Error).message).toMatch(message);
  });

  it('a run-time size that disagrees between inputs: SHAPE_MISMATCH with its name and value', async () => {
    const program = await compiled(affine('float32'));
    await expect(program.run({ ...feeds(), b: f32([1, 2, 3, 4], [2, 2]) })).rejects.toThrow(
      code('SHAPE_MISMATCH', /input "b".*inner = 3.*got float32\[2, 2\]/),
    );
  });

  it('leave the program usable', async () => {
    const program = await compiled(affine('float32'));
    await expect(program.run({})).rejects.toThrow(code('MISSING_INPUT'));
    expect(Array.from((await program.run(feeds())).out.data as Float32Array)).toEqual([5, 6, 11, 12]);
  });
});

describe('release', () => {
  it('running afterwards is an error, not a crash', async () => {
    const program = await compile(affine('float32'));
    await program.release();
    await expect(program.run(feeds())).rejects.toThrow(Error);
  });
});

describe('openModel', () => {
  it.each([
    ['random bytes', Uint8Array.from({ length: 200 }, (_, i) => (i * 97 + 13) % 256)],
    ['nothing', new Uint8Array(0)],
    ['half a model', g.writeOnnx(affine('float32')).slice(0, 150)],
  ])('%s: FILE_CORRUPT naming the file, on one line', async (_, bytes) => {
    const error = await openModel(bytes, 'student/model.onnx').catch((error: Error) => error);
    expect(error).toEqual(code('FILE_CORRUPT', /^student\/model\.onnx: expected an ONNX model.*got an error: ./));
    expect((error as Error).message).not.toContain('\n');
  });

  it('runs what writeOnnx wrote', async () => {
    const session = await openModel(g.writeOnnx(affine('float32')), 'model');
    const { out } = await session.run(feeds(), ['out']);
    expect(Array.from(out.data as Float32Array)).toEqual([5, 6, 11, 12]);
    await session.release();
  });
});

describe('tensor helpers', () => {
  it('wrap without copying', () => {
    const matrix = Matrix.from([[1, 2, 3]]);
    expect(matrixTensor(matrix)).toEqual({ dtype: 'float32', dims: [1, 3], data: matrix.data });
    expect(matrixTensor(matrix).data).toBe(matrix.data);
    expect(matrixTensor(matrix.as('float64')).dtype).toBe('float64');
    const ints = Int32Array.of(1, 2);
    expect(int32Tensor(ints, [2]).data).toBe(ints);
    expect(scalarTensor(0.1, 'float64')).toEqual({ dtype: 'float64', dims: [], data: Float64Array.of(0.1) });
    expect(scalarTensor(0.1, 'float32').data).toEqual(Float32Array.of(0.1));
  });
});

it("a profile is a file of ONNX Runtime's own events, there once the program is released", async () => {
  const directory = mkdtempSync(join(tmpdir(), 'limbeck-profile-'));
  try {
    const x = g.input('x', 'float32', [2]);
    const program = await compile({ inputs: [x], outputs: { y: g.mul(x, 2) } }, { profile: join(directory, 'own') });
    await program.run({ x: floatTensor(Float32Array.of(1, 2), [2]) });
    await program.release();
    const [file, ...others] = readdirSync(directory);
    expect([file, others]).toEqual([expect.stringMatching(/^own.*\.json$/), []]);
    const events = JSON.parse(readFileSync(join(directory, file), 'utf8')) as { name: string }[];
    expect(events.filter(({ name }) => name === 'model_run')).toHaveLength(1);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
