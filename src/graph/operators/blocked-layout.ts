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

type Attributes = Readonly<Record<string, OnnxAttribute>>;

/** A convolution in blocks; all but the attributes are names in the graph. */
export interface BlockedConv {
  /** In blocks. */
  readonly x: string;
  readonly filters: string;
  /** One number for each channel of the result. */
  readonly bias?: string | undefined;
  /** In blocks, of the shape of the result, and added to it. */
  readonly added?: string | undefined;
  readonly attributes: Attributes;
}

/** The result of a convolution that nothing has read yet: it can still take in what follows. */
interface PendingForm extends BlockedForm {
  /** Undefined once it is written. */
  readonly pending: BlockedConv | undefined;
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

/** The result of a convolution, which is written when it is read, with what {@link emitEntrywise} could join to it. */
export function pendingForm(emitter: Emitter, channels: number, conv: BlockedConv): PendingForm {
  let written: string | undefined;
  return {
    channels,
    get pending() {
      return written === undefined ? conv : undefined;
    },
    name() {
      written ??= writeConv(emitter, conv);
      return written;
    },
  };
}

export function writeConv(
  emitter: Emitter,
  { x, filters, bias = '', added = '', attributes }: BlockedConv,
  joined: Attributes = {},
): string {
  const inputs = [x, filters, bias, added];
  while (inputs[inputs.length - 1] === '') inputs.pop();
  return emitter.temporary(`${DOMAIN}.Conv`, inputs, { ...attributes, ...joined });
}

/** Attributes of a convolution of every channel by itself with a window of 1: a factor and a summand for each, in one pass. */
export function ofChannels(channels: number, pads: readonly number[] = [0, 0, 0, 0]): Attributes {
  return { kernel_shape: { ints: [1, 1] }, pads: { ints: pads }, group: { int: channels } };
}

/** Filters of {@link ofChannels} that change nothing, [channels, 1, 1, 1]. */
export function ones(emitter: Emitter, channels: number): string {
  return emitter.expression(constant(new Float32Array(channels).fill(1), 'float32', [channels, 1, 1, 1]));
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

/** One node that maps tensors of one shape, and scalars, entry by entry: in blocks if one of the tensors is. */
export function emitEntrywise<A>(
  emitter: Emitter,
  { inputs, outputs: [y], inputNames, outputNames }: EmittedOperation<A>,
  type: string,
  attributes: Attributes = {},
): void {
  const forms = inputNames.map((name) => emitter.blocked(name));
  const known = forms.find((form) => form !== undefined);
  const entrywise = [...inputs, y].every(
    (tensor) => tensor.dtype === 'float32' && (tensor.rank === 0 || isLike(tensor, y.shape)),
  );
  if (!known || !entrywise) {
    emitter.node(type, inputNames, outputNames, attributes);
    return;
  }
  const { channels } = known;
  const inForm = (i: number) => (inputs[i].rank === 0 ? inputNames[i] : inBlocks(emitter, inputNames[i], channels));
  const written = () =>
    emitter.temporary(
      type,
      inputNames.map((_, i) => inForm(i)),
      attributes,
    );
  emitter.setBlocked(outputNames[0], joined(emitter, type, forms) ?? formOf(channels, written()));
}

/** The operator taken into a convolution before it, where that is still to be written. */
function joined(emitter: Emitter, type: string, forms: readonly (BlockedForm | undefined)[]): BlockedForm | undefined {
  const form = forms.find((each): each is PendingForm => (each as PendingForm | undefined)?.pending !== undefined);
  if (!form?.pending) return undefined;
  const { channels, pending } = form;
  if (type === 'Relu') return formOf(channels, writeConv(emitter, pending, { activation: { string: type } }));
  const other = forms.find((each) => each !== form);
  if (type !== 'Add' || pending.added !== undefined || !other) return undefined;
  return pendingForm(emitter, channels, { ...pending, added: other.name() });
}

function isLike({ shape }: SymbolicTensor, other: Shape): boolean {
  return shape.length === other.length && shape.every((size, i) => size === other[i]);
}
