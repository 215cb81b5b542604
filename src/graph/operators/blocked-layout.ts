/**
 * Tensors in ONNX Runtime's blocked layout, in which so many neighbouring channels stand together as a vector of the processor is wide:
 * [N, C / block, H, W, block]. Convolutions are faster in it (`blocked-conv.ts`), and what stands between convolutions stays in it, so
 * that nothing is rearranged on the way: entrywise operators here, batch normalisation in `channel-normalization.ts`. A tensor is
 * written in plain layout when an operator reads it there.
 */
import {
  type BlockedForm,
  constant,
  type EmittedOperation,
  type Emitter,
  type OnnxAttribute,
  type Shape,
  type SymbolicTensor,
} from '../tensor.ts';

const DOMAIN = 'com.microsoft.nchwc';

/** Factor and summand of every channel, and another tensor added: one pass over the numbers. All are names in the graph. */
export interface Affine {
  /** In blocks. */
  readonly x: string;
  /** [C, 1, 1, 1]. */
  readonly factors: string;
  /** [C]. */
  readonly summands?: string;
  /** In blocks. */
  readonly added?: string;
}

/** A form that nothing has read yet can still take in what follows. */
interface PendingForm extends BlockedForm {
  /** Undefined once it is written. */
  readonly affine: Affine | undefined;
}

/** The tensor [N, C, H, W] in blocks, which C has to fill; rearranged once, however many read it. */
export function inBlocks(emitter: Emitter, name: string, channels: number): string {
  const known = emitter.blocked(name);
  if (known) return known.name();
  const form = formOf(channels, toBlocks(emitter, name));
  emitter.setBlocked(name, form);
  return form.name();
}

/** A form that is written already. */
export function formOf(channels: number, name: string): BlockedForm {
  return { channels, name: () => name };
}

/** x · factor + summand of its channel + added, written when it is read, with a Relu behind it if that is all that reads it. */
export function affineForm(emitter: Emitter, channels: number, affine: Affine): PendingForm {
  let written: string | undefined;
  return {
    channels,
    get affine() {
      return written === undefined ? affine : undefined;
    },
    name() {
      written ??= writeAffine(emitter, channels, affine);
      return written;
    },
  };
}

/** A convolution of every channel by itself with a window of 1 is that, and activations are its attribute. */
function writeAffine(emitter: Emitter, channels: number, affine: Affine, activation?: string): string {
  const { x, factors, summands = '', added = '' } = affine;
  const inputs = [x, factors, summands, added];
  while (inputs[inputs.length - 1] === '') inputs.pop();
  return blockedConv(emitter, inputs, {
    kernel_shape: { ints: [1, 1] },
    group: { int: channels },
    ...(activation === undefined ? {} : { activation: { string: activation } }),
  });
}

/** A convolution whose images are in blocks, as its result is. */
export function blockedConv(
  emitter: Emitter,
  inputs: readonly string[],
  attributes: Readonly<Record<string, OnnxAttribute>>,
): string {
  return emitter.temporary(`${DOMAIN}.Conv`, inputs, attributes);
}

/** Images' means of each channel, [N, C, 1, 1]: blocks of one position are in plain order. */
export function blockedMeans(emitter: Emitter, name: string): string {
  return emitter.temporary(`${DOMAIN}.GlobalAveragePool`, [name]);
}

export function toBlocks(emitter: Emitter, name: string): string {
  return emitter.temporary(`${DOMAIN}.ReorderInput`, [name]);
}

export function toPlain(emitter: Emitter, name: string, channels: number): string {
  return emitter.temporary(`${DOMAIN}.ReorderOutput`, [name], { channels: { int: channels } });
}

/** The tensor in plain layout, under a given name. */
export function writePlain(emitter: Emitter, form: BlockedForm, name: string): void {
  emitter.node(`${DOMAIN}.ReorderOutput`, [form.name()], [name], { channels: { int: form.channels } });
}

/** Weights that change nothing, [channels, 1, 1, 1]. */
export function ones(emitter: Emitter, channels: number): string {
  return emitter.expression(constant(new Float32Array(channels).fill(1), 'float32', [channels, 1, 1, 1]));
}

/** One node that maps tensors of one shape, and scalars, entry by entry: in blocks if one of the tensors is. */
export function emitEntrywise<A>(
  emitter: Emitter,
  operation: EmittedOperation<A>,
  type: string,
  attributes: Readonly<Record<string, OnnxAttribute>> = {},
): void {
  const { inputs, outputs, inputNames, outputNames } = operation;
  const [y] = outputs;
  const forms = inputNames.map((name) => emitter.blocked(name));
  const known = forms.find((form) => form !== undefined);
  const tensors = [...inputs, y];
  const entrywise = tensors.every(
    (tensor) => tensor.dtype === 'float32' && (tensor.rank === 0 || isLike(tensor, y.shape)),
  );
  if (!known || !entrywise) {
    emitter.node(type, inputNames, outputNames, attributes);
    return;
  }
  const { channels } = known;
  const form = joined(emitter, type, forms);
  if (form) {
    emitter.setBlocked(outputNames[0], form);
    return;
  }
  const names = inputs.map(({ rank }, i) => (rank === 0 ? inputNames[i] : inBlocks(emitter, inputNames[i], channels)));
  emitter.setBlocked(outputNames[0], formOf(channels, emitter.temporary(type, names, attributes)));
}

/** The operator taken into an affine map before it, where that is still to be written. */
function joined(emitter: Emitter, type: string, forms: readonly (BlockedForm | undefined)[]): BlockedForm | undefined {
  const pending = forms.find((form): form is PendingForm => (form as PendingForm | undefined)?.affine !== undefined);
  if (!pending?.affine) return undefined;
  const { affine, channels } = pending;
  if (type === 'Relu') return formOf(channels, writeAffine(emitter, channels, affine, type));
  const other = forms.find((form) => form !== pending);
  if (type !== 'Add' || affine.added !== undefined || !other) return undefined;
  return affineForm(emitter, channels, { ...affine, added: other.name() });
}

function isLike({ shape }: SymbolicTensor, other: Shape): boolean {
  return shape.length === other.length && shape.every((size, i) => size === other[i]);
}
