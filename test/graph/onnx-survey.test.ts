/** What a file consists of and which of it can be trained: for files that can be read, and for those that cannot. */
import { readFileSync } from 'node:fs';
import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import * as g from '../../src/graph/index.ts';
import { caught } from '../caught.ts';
import { initializer, int64s, type ModelParts, modelOf } from './onnx-models.ts';

const zeros = (name: string, dims: readonly number[]) =>
  initializer(name, Array<number>(dims.reduce((n, d) => n * d, 1)).fill(0), dims);

const survey = (parts: ModelParts, options: g.ReadOnnxOptions = {}) => g.surveyOnnx(modelOf(parts), options);

/** One line a node. */
const lines = ({ nodes }: g.OnnxSurvey) =>
  nodes.map(
    ({ type, name, outputs, weights, trainable, reason }) =>
      `${type} ${name} ${outputs.map((o) => `${o.name} ${o.type}[${o.shape}]`).join(' ')} ${weights} ${trainable ? 'yes' : `no: ${reason}`}`,
  );

/** A layer, a node without a gradient, a head; a weight that is used twice, and sizes that are computed. */
const HALF_FROZEN: ModelParts = {
  inputs: { x: ['batch', 4] },
  nodes: [
    { op: 'MatMul', inputs: ['x', 'low'], outputs: ['hidden'], name: 'layers/low' },
    { op: 'TopK', inputs: ['hidden', 'k'], outputs: ['most', 'places'], name: 'top' },
    { op: 'Shape', inputs: ['x'], outputs: ['shape'] },
    { op: 'Gather', inputs: ['shape', 'first'], outputs: ['n'] },
    { op: 'MatMul', inputs: ['most', 'head'], outputs: ['y'] },
    { op: 'Add', inputs: ['y', 'y'], outputs: ['twice'] },
    { op: 'MatMul', inputs: ['twice', 'head'], outputs: ['z'] },
    { op: 'Relu', inputs: ['z'], outputs: ['aside'] },
  ],
  initializers: [
    zeros('low', [4, 5]),
    int64s('k', [2]),
    int64s('first', [0], []),
    zeros('head', [2, 2]),
    zeros('no', [9]),
  ],
  outputs: ['y', 'z'],
  types: { most: [1, ['batch', 2]], places: [7, ['batch', 2]], z: [1, ['batch', 2]] },
};

describe('a file that can be read', () => {
  it('nodes in order, with shapes, weights where they are first used, and why one cannot be trained', () => {
    expect(lines(survey(HALF_FROZEN))).toEqual([
      'MatMul layers/low hidden float32[batch,5] 20 no: lies before TopK "top", which has no gradient',
      'TopK top most float32[batch,2] places int64[batch,2] 0 no: no gradient: not an operator that the engine has',
      'Shape shape shape int64[2] 0 no: no output of the model needs it',
      'Gather n n int64[] 0 no: no output of the model needs it',
      'MatMul y y float32[batch,2] 4 yes',
      'Add twice twice float32[batch,2] 0 yes',
      'MatMul z z float32[batch,2] 0 yes',
      'Relu aside aside float32[batch,2] 0 no: no output of the model needs it',
    ]);
  });

  it('inputs, outputs, totals: only weights that are used, each once', () => {
    const { inputs, outputs, parameters, readable, problems, opset } = survey(HALF_FROZEN);
    expect(inputs).toEqual([{ name: 'x', type: 'float32', shape: ['batch', 4] }]);
    expect(outputs).toEqual(['y', 'z'].map((name) => ({ name, type: 'float32', shape: ['batch', 2] })));
    expect({ parameters, readable, problems, opset }).toEqual({
      ...{ parameters: { total: 24, trainable: 4 }, readable: true, problems: [], opset: 18 },
    });
  });

  it('with the weights of mustBeFrozen left alone, the reader takes the file', () => {
    const { mustBeFrozen } = survey(HALF_FROZEN);
    expect(mustBeFrozen).toEqual(['low']);
    const trainable = (name: string, dims: readonly number[]) => dims.length > 0 && !mustBeFrozen.includes(name);
    expect(caught(() => g.readOnnx(modelOf(HALF_FROZEN))).code).toBe('UNSUPPORTED');
    expect([...g.readOnnx(modelOf(HALF_FROZEN), { trainable }).parameters.keys()]).toEqual(['head']);
    expect(survey(HALF_FROZEN, { trainable })).toMatchObject({ mustBeFrozen: [], parameters: { trainable: 4 } });
  });

  it('tensors that could be the embedding layer: a row for each sample, or several, made from weights', () => {
    const parts: ModelParts = {
      inputs: { x: ['batch', 'length', 4] },
      nodes: [
        { op: 'Mul', inputs: ['x', 'x'], outputs: ['square'] },
        { op: 'Mul', inputs: ['w', 'w'], outputs: ['made of weights alone'] },
        { op: 'MatMul', inputs: ['square', 'made of weights alone'], outputs: ['tokens'] },
        { op: 'Transpose', inputs: ['tokens'], outputs: ['turned'], attributes: { perm: [0, 2, 1] } },
        { op: 'ReduceMean', inputs: ['tokens', 'one'], outputs: ['y'], attributes: { keepdims: 0 } },
      ],
      initializers: [zeros('w', [4, 6]), int64s('one', [1])],
    };
    expect(survey(parts).embeddings).toEqual([
      { name: 'tokens', shape: ['batch', 'length', 6] },
      { name: 'y', shape: ['batch', 6] },
    ]);
    expect(survey({ ...parts, inputs: { x: [2, 3, 4] } }).embeddings).toEqual([]); // no batch of any size
    expect(survey(parts, { sizes: { length: 5 } }).embeddings[0].shape).toEqual(['batch', 5, 6]);
  });

  it('weights in Constant nodes count where they are used; statistics and single numbers are not trained', () => {
    const stored = { dims: [2, 3], dataType: 1, floatData: [1, 2, 3, 4, 5, 6] };
    const { nodes, parameters } = survey({
      inputs: { x: ['batch', 2] },
      nodes: [
        { op: 'Constant', inputs: [], outputs: ['w'], attributes: { value: stored } },
        { op: 'MatMul', inputs: ['x', 'w'] },
      ],
    });
    expect(nodes.map(({ weights, outputs: [{ type, shape }] }) => [weights, type, shape])).toEqual([
      [0, 'float32', [2, 3]],
      [6, 'float32', ['batch', 3]],
    ]);
    expect(parameters).toEqual({ total: 6, trainable: 6 });
    const normalization = survey({
      inputs: { x: ['batch', 2] },
      nodes: [{ op: 'BatchNormalization', inputs: ['x', 's', 'b', 'm', 'v'] }],
      initializers: ['s', 'b', 'm', 'v'].map((name) => zeros(name, [2])),
    });
    expect(normalization.parameters).toEqual({ total: 8, trainable: 4 });
  });

  it('agrees with the reader on files that PyTorch exported', () => {
    const goldens = JSON.parse(readFileSync(new URL('../goldens/onnx_models.json', import.meta.url), 'utf8'));
    for (const { name, model } of goldens.cases as { name: string; model: string }[]) {
      const bytes = new Uint8Array(Buffer.from(model, 'base64'));
      const [read, found] = [g.readOnnx(bytes), g.surveyOnnx(bytes)];
      const count = [...read.parameters.values()].reduce((n, { data }) => n + data.length, 0);
      expect([found.readable, found.problems, found.parameters.trainable], name).toEqual([true, [], count]);
      const shapes = new Map(found.nodes.flatMap(({ outputs }) => outputs.map((o) => [o.name, o.shape])));
      for (const [tensor, { shape }] of read.tensors) expect(shapes.get(tensor), tensor).toEqual(shape);
    }
  });
});

describe('a file that cannot be read is surveyed all the same', () => {
  const base: ModelParts = {
    inputs: { x: ['batch', 4] },
    nodes: [
      { op: 'MatMul', inputs: ['x', 'w'], outputs: ['a'] },
      { op: 'Frobnicate', inputs: ['a'], outputs: ['b'], name: 'odd' },
      { op: 'MatMul', inputs: ['b', 'v'] },
    ],
    initializers: [zeros('w', [4, 4]), zeros('v', [4, 4])],
    types: { b: [1, ['batch', 4]] },
  };

  it('a node of an unknown kind: it, what follows, and what it keeps from being trained', () => {
    const found = survey(base);
    expect(lines(found)).toEqual([
      'MatMul a a float32[batch,4] 16 no: the model needs Frobnicate "odd", which cannot be read',
      'Frobnicate odd b float32[batch,4] 0 no: cannot be read: not an operator that the engine has',
      'MatMul y y float32[undefined] 16 no: the model needs Frobnicate "odd", which cannot be read',
    ]);
    expect([found.readable, found.problems, found.parameters]).toEqual([
      ...[false, ['Frobnicate "odd": not an operator that the engine has'], { total: 32, trainable: 0 }],
    ]);
  });

  it('one that no output needs keeps nothing from being trained', () => {
    const found = survey({ ...base, outputs: ['a'] });
    expect([found.readable, found.parameters.trainable]).toEqual([true, 16]);
    expect(lines(found)[1]).toContain('no: no output of the model needs it');
  });

  it('weights and inputs of other types', () => {
    const bytes = { name: 'w', dims: [4, 4], dataType: 3, rawData: new Uint8Array(16) };
    const nodes = [{ op: 'MatMul', inputs: ['x', 'w'] }];
    const eight = survey({ ...base, nodes, initializers: [bytes] });
    expect([eight.readable, eight.problems, eight.parameters.total]).toEqual([
      ...[false, ['weight "w": expected a float, int32, int64 or bool tensor, got type 3'], 16],
    ]);
    expect(lines(eight)[0]).toContain('no: the model needs an input of MatMul "y", which cannot be read');
    const model = onnxProto.onnx.ModelProto.decode(modelOf(base));
    model.graph!.input![0].type!.tensorType!.elemType = 8;
    const texts = g.surveyOnnx(onnxProto.onnx.ModelProto.encode(model).finish());
    expect(texts.inputs).toEqual([{ name: 'x', type: 'string', shape: ['batch', 4] }]);
    expect(texts.problems[0]).toContain('input "x"');
  });

  it('an opset that is too old', () => {
    const found = survey({ ...base, opset: 9 });
    expect([found.opset, found.readable, found.problems]).toEqual([9, false, ['expected ONNX opset 11 to 28, got 9']]);
    expect(lines(found)[0]).toContain('no: cannot be read: expected ONNX opset 11 to 28, got 9');
  });

  it('but what is no model is refused', () => {
    for (const bytes of [
      new Uint8Array(0),
      new TextEncoder().encode('<!doctype html>'),
      modelOf(base).subarray(0, 90),
    ]) {
      expect(caught(() => g.surveyOnnx(bytes, { name: 'student.onnx' }))).toMatchObject({
        ...{ code: 'FILE_CORRUPT', message: expect.stringContaining('student.onnx') },
      });
    }
  });
});
