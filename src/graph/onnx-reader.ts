/**
 * Reads an ONNX model that somebody else exported into symbolic tensors, opset 11 on: from there it can be differentiated,
 * trained and written back.
 *
 * Weights become inputs of the graph ("parameters") with their values beside them; shapes that the file computes node by node
 * are computed here. A node that the engine has no operator for is passed on as it is where nothing before it is trained and the
 * file says the shapes of its outputs. What cannot be read, or would have to be differentiated and cannot, is one error that
 * names every such node. A file is not trusted: whatever it holds, the answer is a model or a LimbeckError.
 */
import { LimbeckError, show } from '../errors.ts';
import { decodeModel } from './onnx-import/decode.ts';
import type { OnnxModel, ReadOnnxOptions } from './onnx-import/model.ts';
import { ModelReader } from './onnx-import/model-reader.ts';
import type { Value } from './onnx-import/node.ts';

export type { OnnxModel, OnnxParameter, ReadOnnxOptions } from './onnx-import/model.ts';
export type { ReadExternal } from './onnx-import/stored-tensors.ts';

/**
 * Reads a model.
 *
 * @param bytes the .onnx file
 * @throws LimbeckError FILE_CORRUPT for what is not an ONNX model, UNSUPPORTED naming every node that cannot be read, or that
 *   follows weights that are trained and has no gradient, and why
 *
 * @example
 * const { inputs, outputs, parameters } = readOnnx(bytes);
 * const loss = mean(mul(outputs.embedding, outputs.embedding));
 * const gradient = gradients(loss, [...parameters.values()].map(({ tensor }) => tensor));
 *
 * @example
 * // The lower layers hold a node without a gradient: they stay as they are.
 * const model = readOnnx(bytes, { trainable: (name) => name.startsWith('head.') });
 */
export function readOnnx(bytes: Uint8Array, options: ReadOnnxOptions = {}): OnnxModel {
  const { name = 'model' } = options;
  const reader = new ModelReader(decodeModel(bytes, name), { ...options, name });
  if (reader.opsetProblem) {
    throw new LimbeckError('UNSUPPORTED', `${name}: ${reader.opsetProblem}. Convert or export it again.`);
  }
  const names = reader.outputNames;
  if (names.some((output) => reader.missing.has(output) || reader.offending.has(output))) {
    throw new LimbeckError('UNSUPPORTED', problems(reader, name));
  }
  const tensorOf = (tensor: string) => (reader.values.get(tensor) as Value).tensor;
  return {
    inputs: reader.inputs,
    outputs: Object.fromEntries(names.map((output) => [output, tensorOf(output)])),
    parameters: reader.parameters,
    tensors: new Map([...reader.computed].map((tensor) => [tensor, tensorOf(tensor)])),
  };
}

/** Every node in the way, in the file's order. */
function problems({ strangers, nodes }: ModelReader, model: string): string {
  const faulty = nodes.filter(({ fate }) => fate === 'unreadable' || fate === 'offender');
  const lines = [
    ...strangers,
    ...faulty.map(({ type, name, fate, reason }) => {
      const why = fate === 'offender' ? `no gradient (${reason}), and weights that are trained lie before it` : reason;
      return `${type} ${show(name)}: ${why}`;
    }),
  ];
  const offenders = faulty.some(({ fate }) => fate === 'offender');
  const what = offenders ? 'read and differentiate' : 'read';
  const list = lines.map((line) => `\n  ${line}`).join('');
  const next = offenders
    ? '\nThe option trainable can freeze the weights that lie before a node without a gradient.'
    : '';
  return `${model}: expected only nodes that the engine can ${what}, got ${lines.length} others:${list}${next}`;
}
