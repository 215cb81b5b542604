/**
 * Nodes that are handed to ONNX Runtime as the file has them: the engine neither knows what they compute nor differentiates them,
 * so they may stand only where nothing before them is trained.
 */
import type onnxProto from 'onnx-proto';
import { LimbeckError, show } from '../../errors.ts';
import { OPSET } from '../onnx-writer.ts';
import { apply, type Dimension, type Operator, type TensorType } from '../tensor.ts';
import { changeBetween, isPassedOn } from './foreign-types.ts';
import { Value } from './node.ts';
import { dataType } from './stored-tensors.ts';

type ValueInfo = onnxProto.onnx.IValueInfoProto;
type NodeProto = onnxProto.onnx.INodeProto;
type AttributeProto = onnxProto.onnx.IAttributeProto;

interface Foreign {
  readonly type: string;
  readonly domain: string;
  /** The node's name in the file, for messages. */
  readonly name: string;
  readonly attributes: readonly AttributeProto[];
  /** For each input and output of the node its place among the tensors; undefined for one that is left out. */
  readonly inputs: readonly (number | undefined)[];
  readonly outputs: readonly (number | undefined)[];
  /** What the file says of the outputs. */
  readonly types: readonly TensorType[];
}

const foreign: Operator<Foreign> = {
  name: 'Foreign',
  infer: (_, { types }) => types,
  emit: (emitter, { attributes: node, inputNames, outputNames }) => {
    const place = (names: readonly string[]) => (i: number | undefined) => (i === undefined ? '' : names[i]);
    emitter.foreign(node, node.inputs.map(place(inputNames)), node.outputs.map(place(outputNames)));
  },
  vjp: ({ attributes: { type, name } }) => {
    throw new LimbeckError(
      'UNSUPPORTED',
      `gradients: expected only operators that the engine differentiates, got ${type} ${show(name)} of the file that was read. ` +
        'Ask for gradients by tensors behind it.',
    );
  },
};

/** What the file says of a tensor, with the sizes named as the reader names them; undefined when it says too little. */
export function declaredType(
  { name, type }: ValueInfo,
  sizes: Readonly<Record<string, Dimension>> = {},
): TensorType | undefined {
  const dtype = dataType(type?.tensorType?.elemType);
  const dims = type?.tensorType?.shape?.dim;
  if (!dtype || !dims) return undefined;
  const shape = dims.map(({ dimValue, dimParam }, axis): Dimension => {
    const known = dimParam ? 0 : Number(dimValue ?? 0);
    if (known > 0) return known;
    // Some exporters write 0 or −1 for a size that they do not know.
    const size = dimParam || `${name}.${axis}`;
    return Object.hasOwn(sizes, size) ? sizes[size] : size;
  });
  return { dtype, shape };
}

/**
 * The outputs of a node that is passed on as it is.
 *
 * @param why what keeps the engine from reading it
 * @param declared what the file says of its tensors, by name
 * @throws LimbeckError UNSUPPORTED for a node that cannot be passed on either
 */
export function passOn(
  proto: NodeProto,
  values: readonly (Value | undefined)[],
  { read, opset, why, name }: { read: boolean; opset: number; why: string; name: string },
  declared: (name: string) => TensorType | undefined,
): readonly (Value | undefined)[] {
  const [type, domain] = [proto.opType ?? '', proto.domain === 'ai.onnx' ? '' : (proto.domain ?? '')];
  if (!isPassedOn(domain, type, read)) throw new LimbeckError('UNSUPPORTED', why);
  const nor = (what: string) => new LimbeckError('UNSUPPORTED', `${why}; nor ${what}`);
  if (domain === '' && changeBetween(type, opset, OPSET) !== undefined) {
    throw nor(`is it the same in opset ${OPSET}, with which graphs are written, as in ${opset}`);
  }
  const attributes = proto.attribute ?? [];
  if (!attributes.every(isPlain)) throw nor('are its attributes numbers and texts of this file');
  const names = (proto.output ?? []).filter((output) => output);
  const types = names.map((output) => {
    const found = declared(output);
    if (found) return found;
    throw nor(`does the file say the type and shape of ${show(output)}`);
  });
  let next = 0;
  const inputs = values.map((value) => (value ? next++ : undefined));
  const tensors = values.flatMap((value) => (value ? [value.tensor] : []));
  let given = 0;
  const outputs = (proto.output ?? []).map((output) => (output ? given++ : undefined));
  const made = apply(foreign, tensors, { type, domain, name, attributes, inputs, outputs, types });
  return outputs.map((i) => (i === undefined ? undefined : Value.computed(made[i])));
}

/** Numbers and texts that lie in the model itself. */
function isPlain({ g, graphs, sparseTensor, sparseTensors, refAttrName, t, tensors }: AttributeProto): boolean {
  const stored = [...(t ? [t] : []), ...(tensors ?? [])];
  const nested = g || graphs?.length || sparseTensor || sparseTensors?.length || refAttrName;
  return !nested && stored.every(({ dataLocation }) => !dataLocation);
}
