/** Files that are damaged or made to harm: a clear LimbeckError, no crash, no endless work, no memory beyond the file's own size. */
import { readFileSync } from 'node:fs';
import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { LimbeckError } from '../../src/errors.ts';
import * as g from '../../src/graph/index.ts';
import { Random } from '../../src/matrix/random.ts';
import { caught } from '../caught.ts';
import { initializer, int64s, type ModelParts, modelOf, type Node } from './onnx-models.ts';

const goldens = JSON.parse(readFileSync(new URL('../goldens/onnx_models.json', import.meta.url), 'utf8')) as {
  cases: { name: string; model: string }[];
};
const files = goldens.cases.map(({ name, model }) => ({ name, bytes: new Uint8Array(Buffer.from(model, 'base64')) }));

const error = (parts: ModelParts, options: g.ReadOnnxOptions = {}) => caught(() => g.readOnnx(modelOf(parts), options));

/** Anything but a model or a LimbeckError fails. */
function readsOrRefuses(bytes: Uint8Array): 'read' | 'refused' {
  try {
    g.readOnnx(bytes);
    return 'read';
  } catch (problem) {
    if (problem instanceof LimbeckError) return 'refused';
    throw problem;
  }
}

describe('damaged files', () => {
  for (const { name, bytes } of files) {
    it(`${name}: cut off anywhere, it is refused`, () => {
      // The last fields of a file are its opsets: without them it is no model either.
      for (let length = 0; length < bytes.length; length += 7) {
        const refusal = caught(() => g.readOnnx(bytes.subarray(0, length), { name: 'student.onnx' }));
        expect(refusal.code, `${length} bytes`).toMatch(/FILE_CORRUPT|UNSUPPORTED/);
        expect(refusal.message).toContain('student.onnx');
      }
    });

    it(`${name}: with bytes changed, it is read or refused`, () => {
      const random = new Random(3);
      const seen = { read: 0, refused: 0 };
      for (let k = 0; k < 400; k++) {
        const changed = bytes.slice();
        const many = 1 + random.integer(4);
        for (let i = 0; i < many; i++) changed[random.integer(changed.length)] = random.integer(256);
        seen[readsOrRefuses(changed)]++;
      }
      expect(seen.refused).toBeGreaterThan(10);
    });
  }

  it('what is no ONNX file at all', () => {
    for (const bytes of [
      new Uint8Array(0),
      new Uint8Array(100),
      new TextEncoder().encode('<!doctype html>'.repeat(20)),
    ]) {
      expect(caught(() => g.readOnnx(bytes)).code).toBe('FILE_CORRUPT');
    }
  });
});

const chain = (op: string, n: number): Node[] =>
  Array.from({ length: n }, (_, i) => ({
    op,
    inputs: [`v${i}`, `v${i}`],
    outputs: [`v${i + 1}`],
    attributes: { axis: 0 },
  }));

describe('graphs that are none', () => {
  const inputs = { x: [2, 2] };

  it('a cycle, and nodes out of order', () => {
    const cycle = error({
      nodes: [
        { op: 'Add', inputs: ['x', 'y'], outputs: ['a'], name: 'first' },
        { op: 'Relu', inputs: ['a'], outputs: ['y'] },
      ],
      inputs,
    });
    expect([cycle.code, cycle.message]).toEqual([
      'FILE_CORRUPT',
      'model: expected nodes in order, but Add "first" reads "y", which nothing before it gives: the graph is cut off or has a cycle. Export or fetch it again.',
    ]);
    expect(error({ nodes: [{ op: 'Relu', inputs: ['y'], outputs: ['y'] }], inputs }).code).toBe('FILE_CORRUPT');
  });

  it('an output that nothing gives, a name twice', () => {
    expect(error({ nodes: [], inputs, outputs: ['nowhere'] }).message).toContain('"nowhere"');
    const twice = error({
      nodes: [
        { op: 'Relu', inputs: ['x'] },
        { op: 'Relu', inputs: ['x'] },
      ],
      inputs,
    });
    expect([twice.code, twice.message]).toEqual([
      'FILE_CORRUPT',
      expect.stringContaining('one tensor called "y", got two'),
    ]);
    expect(error({ nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['x'] }], inputs }).code).toBe('FILE_CORRUPT');
  });

  it('an opset that is too old, too new, or none', () => {
    const old = error({ nodes: [{ op: 'Relu', inputs: ['x'] }], inputs, opset: 10 });
    expect([old.code, old.message]).toEqual(['UNSUPPORTED', expect.stringContaining('opset 11 to 28, got 10')]);
    expect(error({ nodes: [{ op: 'Relu', inputs: ['x'] }], inputs, opset: 0 }).code).toBe('UNSUPPORTED');
    expect(error({ nodes: [{ op: 'Relu', inputs: ['x'] }], inputs, opset: 29 }).code).toBe('UNSUPPORTED');
  });
});

describe('nodes that cannot be read', () => {
  it('one error names them all, with why; what follows from them is not named', () => {
    const refusal = error({
      nodes: [
        { op: 'LSTM', inputs: ['x'], outputs: ['a'], name: 'encoder/lstm' },
        { op: 'Relu', inputs: ['a'], outputs: ['b'], name: 'after' },
        { op: 'Attention', inputs: ['x'], outputs: ['c'], name: 'fused', domain: 'other' },
        { op: 'Reshape', inputs: ['x', 'x'], outputs: ['d'], name: 'computed' },
        { op: 'MatMul', inputs: ['x', 'w'], outputs: ['e'], name: 'apart' },
        { op: 'Sum', inputs: ['b', 'c', 'd', 'e'], name: 'all' },
      ],
      inputs: { x: [2, 2] },
      initializers: [initializer('w', [1, 2, 3], [3, 1])],
    });
    expect(refusal.code).toBe('UNSUPPORTED');
    expect(refusal.message.split('\n')).toEqual([
      'model: expected only nodes that the engine can read, got 4 others:',
      '  LSTM "encoder/lstm": not an operator that the engine has; nor does the file say the type and shape of "a"',
      '  other.Attention "fused": not an operator that the engine has',
      '  Reshape "computed": expected input 1 to be known when the file is read, got one that is computed; ' +
        'nor does the file say the type and shape of "d"',
      '  MatMul "apart": matmul: expected matrices whose inner sizes agree, got float32[2, 2] and float32[3, 1].',
    ]);
  });

  it('one that the outputs do not need does not matter', () => {
    const nodes = [
      { op: 'LSTM', inputs: ['x'], outputs: ['a'] },
      { op: 'Relu', inputs: ['x'], outputs: ['y'] },
    ];
    expect(Object.keys(g.readOnnx(modelOf({ nodes, inputs: { x: [2, 2] } })).outputs)).toEqual(['y']);
  });

  it('names of JavaScript objects are not operators', () => {
    for (const op of ['constructor', '__proto__', 'toString', '']) {
      expect(error({ nodes: [{ op, inputs: ['x'] }], inputs: { x: [2] } }).message, op).toContain('not an operator');
    }
  });

  it('an input of another kind, a subgraph, a second output', () => {
    const bytes = modelOf({ nodes: [{ op: 'Relu', inputs: ['x'] }], inputs: { x: [2] } });
    const model = onnxProto.onnx.ModelProto.decode(bytes);
    model.graph!.input![0].type!.tensorType!.elemType = 8;
    const strings = onnxProto.onnx.ModelProto.encode(model).finish();
    expect(caught(() => g.readOnnx(strings)).code).toBe('UNSUPPORTED');
    model.graph!.input![0].type!.tensorType!.elemType = 1;
    model.graph!.node![0].attribute!.push({ name: 'body', type: 5, g: { name: 'inner' } });
    const nested = onnxProto.onnx.ModelProto.encode(model).finish();
    expect(caught(() => g.readOnnx(nested)).message).toContain('expected no subgraph');
    const second = { op: 'Relu', inputs: ['x'], outputs: ['y', 'z'] };
    const two = error({ nodes: [second], inputs: { x: [2] }, outputs: ['z'] });
    expect(two.message).toContain('expected at most 1 outputs, got 2');
  });
});

describe('more than any machine has', () => {
  const huge = 2 ** 40;
  const refuse = (
    nodes: Node[],
    initializers: ModelParts['initializers'] = [],
    inputs: ModelParts['inputs'] = { x: ['n', 2] },
  ) => error({ nodes, inputs, initializers: initializers ?? [] }).code;

  it('sizes that multiply to more than memory', () => {
    expect(refuse([{ op: 'Relu', inputs: ['x'] }], [], { x: [2 ** 30, 2 ** 30] })).toBe('FILE_CORRUPT');
    const shape = int64s('shape', [huge, huge]);
    expect(refuse([{ op: 'ConstantOfShape', inputs: ['shape'] }], [shape])).toBe('FILE_CORRUPT');
    expect(refuse([{ op: 'Expand', inputs: ['one', 'shape'] }], [shape, initializer('one', [1], [])])).toBe(
      'FILE_CORRUPT',
    );
  });

  it('counts that would be worked through one by one', () => {
    const scalar = (name: string, value: number) => int64s(name, [value], []);
    const range = [scalar('zero', 0), scalar('limit', huge * 2), scalar('step', 1)];
    expect(refuse([{ op: 'Range', inputs: ['zero', 'limit', 'step'] }], range)).toBe('FILE_CORRUPT');
    expect(refuse([{ op: 'Tile', inputs: ['x', 'repeats'] }], [int64s('repeats', [1, 1e9])])).toBe('UNSUPPORTED');
    const bounds = [int64s('start', [0]), int64s('end', [2e9])];
    expect(refuse([{ op: 'Slice', inputs: ['x', 'start', 'end'] }], bounds)).toBe('UNSUPPORTED');
    const image = { x: [1, 1, 4, 4] };
    const pool = {
      op: 'AveragePool',
      inputs: ['x'],
      attributes: { kernel_shape: [huge, huge], pads: [huge - 1, 0, 0, huge - 1] },
    };
    expect(refuse([pool], [], image)).toBe('UNSUPPORTED');
    const sizes = int64s('sizes', [1, 1, huge, 4]);
    expect(refuse([{ op: 'Resize', inputs: ['x', '', '', 'sizes'] }], [sizes], image)).toBe('UNSUPPORTED');
    const split = { op: 'Split', inputs: ['x', 'parts'], attributes: { axis: 1 } };
    expect(refuse([split], [int64s('parts', [-1, 3])])).toMatch(/UNSUPPORTED/);
  });

  it('chains that double with every node: shapes, names, ranks', () => {
    const output = ['v60'];
    const grown = (op: string, shape: (number | string)[]) =>
      readsOrRefuses(modelOf({ nodes: chain(op, 60), inputs: { v0: shape }, outputs: output }));
    expect(grown('Concat', [2, 2])).toBe('refused');
    expect(grown('Concat', ['n', 2])).toBe('refused');
    const sizes: Node[] = [{ op: 'Shape', inputs: ['x'], outputs: ['v0'] }];
    for (const [op, outcome] of [
      ['Add', 'read'],
      ['Mul', 'read'],
      ['Concat', 'refused'],
    ] as const) {
      const nodes = [...sizes, ...chain(op, 60)];
      expect(readsOrRefuses(modelOf({ nodes, inputs: { x: ['n'] }, outputs: ['x'] })), op).toBe(outcome);
    }
    const ids = [int64s('v0', [0], [1, 1])];
    expect(error({ nodes: chain('Gather', 60), inputs: {}, initializers: ids, outputs: output }).code).toBe(
      'FILE_CORRUPT',
    );
  });

  it('a very long chain is read without running out of stack', () => {
    const nodes = Array.from({ length: 20_000 }, (_, i) => ({ op: 'Relu', inputs: [`v${i}`], outputs: [`v${i + 1}`] }));
    const model = g.readOnnx(modelOf({ nodes, inputs: { v0: [2] }, outputs: ['v20000'] }));
    expect(model.outputs.v20000.shape).toEqual([2]);
    const sizes = Array.from({ length: 20_000 }, (_, i) => ({
      op: 'Add',
      inputs: [`v${i}`, 'one'],
      outputs: [`v${i + 1}`],
    }));
    const parts: ModelParts = {
      nodes: [{ op: 'Shape', inputs: ['x'], outputs: ['v0'] }, ...sizes],
      inputs: { x: ['n'] },
      initializers: [int64s('one', [1])],
      outputs: ['v20000'],
    };
    expect(readsOrRefuses(modelOf(parts))).toBe('read');
  });
});
