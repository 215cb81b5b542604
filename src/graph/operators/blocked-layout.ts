/**
 * Tensors in ONNX Runtime's blocked layout, in which so many neighbouring channels stand together as a vector of the processor is wide:
 * [N, C / block, H, W, block]. Convolutions are faster in it (`blocked-conv.ts`), and what stands between convolutions stays in it, so
 * that nothing is rearranged on the way: entrywise operators here, batch normalisation in `blocked-standardize.ts`. A tensor is
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
import { sameShape } from './expand.ts';

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

/** Whether a convolution is one pass over the numbers. */
function isOfChannels({ attributes: { kernel_shape, group } }: BlockedConv): boolean {
  return 'int' in group && group.int > 1 && 'ints' in kernel_shape && kernel_shape.ints.every((k) => k === 1);
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
  if (form.writePlain) form.writePlain(name);
  else emitter.node(`${DOMAIN}.ReorderOutput`, [form.name()], [name], { channels: { int: form.channels } });
}

/** What {@link emitEntrywise} writes besides type and inputs. */
interface EntrywiseNode {
  readonly attributes?: Attributes;
  /** Names of scalars that follow the operation's inputs. */
  readonly more?: readonly string[];
}

/** One node that maps tensors of one shape, and scalars, entry by entry: in blocks if one of the tensors is. */
export function emitEntrywise<A>(
  emitter: Emitter,
  operation: EmittedOperation<A>,
  type: string,
  { attributes = {}, more = [] }: EntrywiseNode = {},
): void {
  const { inputs, outputs, inputNames, outputNames } = operation;
  const [y] = outputs;
  const forms = inputNames.map((name) => emitter.blocked(name));
  const known = forms.find((form) => form !== undefined);
  const write = (names: readonly string[], output: string) =>
    emitter.node(type, [...names, ...more], [output], attributes);
  if (!known || !inputs.every((tensor, i) => fits(tensor, y.shape, forms[i])) || !isEntry(y)) {
    write(inputNames, outputNames[0]);
    return;
  }
  const { channels } = known;
  const joined = joinedForm(emitter, operation, type, forms);
  if (joined) {
    emitter.setBlocked(outputNames[0], joined);
    return;
  }
  const names = inputs.map(({ rank }, i) => (rank === 0 ? inputNames[i] : inBlocks(emitter, inputNames[i], channels)));
  const name = emitter.temporary(type, [...names, ...more], attributes);
  // The runtime rearranges floats alone: what is true of entries is found once more in plain layout, where somebody asks.
  const writePlain = y.dtype === 'bool' ? (output: string) => write(inputNames, output) : undefined;
  emitter.setBlocked(outputNames[0], { channels, name: () => name, writePlain });
}

/** Whether an input can be read in blocks beside a result of this shape. */
function fits(tensor: SymbolicTensor, shape: Shape, form: BlockedForm | undefined): boolean {
  if (tensor.rank === 0) return tensor.dtype === 'float32';
  return sameShape(tensor.shape, shape) && isEntry(tensor) && (form !== undefined || tensor.dtype === 'float32');
}

const isEntry = ({ dtype }: SymbolicTensor): boolean => dtype === 'float32' || dtype === 'bool';

/** The operator taken into a convolution before it, where that is still to be written. */
function joinedForm<A>(
  emitter: Emitter,
  { inputs }: EmittedOperation<A>,
  type: string,
  forms: readonly (BlockedForm | undefined)[],
): BlockedForm | undefined {
  const form = forms.find((each): each is PendingForm => (each as PendingForm | undefined)?.pending !== undefined);
  if (!form?.pending) return undefined;
  const { channels, pending } = form;
  // Whoever else reads it would have it computed once more.
  if (!isOfChannels(pending) && emitter.readers(inputs[forms.indexOf(form)]) !== 1) return undefined;
  if (type === 'Relu') return formOf(channels, writeConv(emitter, pending, { activation: { string: type } }));
  const other = forms.find((each) => each !== form);
  if (type !== 'Add' || pending.added !== undefined || !other) return undefined;
  return pendingForm(emitter, channels, { ...pending, added: other.name() });
}
