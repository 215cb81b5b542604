/**
 * Runs of onnxruntime-node that write their outputs where they are wanted, and copy nothing.
 *
 * The binding (1.30) lets a run write to arrays that are given for its outputs, and then makes a fresh array of each output all the
 * same, in the order of the model's outputs: of a training step, all parameters and moments once more. It does so only after the run,
 * and stops at the first output that it cannot hand to JavaScript. So a model gets one more output in front, an empty sequence; a run
 * that asks for it has written all others when the binding refuses it. A binding that takes sequences hands over everything instead,
 * which is as right and slower. This is no way to get outputs of unknown size: all need their array.
 */
import onnxProto from 'onnx-proto';
import type * as ort from 'onnxruntime-node';

const { ModelProto } = onnxProto.onnx;
const STOP = 'limbeck: everything is written';
/** What the binding says of an output that is no tensor; only after the run. */
const REFUSAL = 'Non tensor type is temporarily not supported.';

/** The model with the output in front: two messages of protocol buffers behind one another are one message with the fields of both. */
export function stoppable(model: Uint8Array): Uint8Array {
  const elemType = { tensorType: { elemType: 1 } };
  const front = ModelProto.encode({
    graph: {
      node: [{ opType: 'SequenceEmpty', name: STOP, output: [STOP] }],
      output: [{ name: STOP, type: { sequenceType: { elemType } } }],
    },
  }).finish();
  const whole = new Uint8Array(front.length + model.length);
  whole.set(front);
  whole.set(model, front.length);
  return whole;
}

/** Without that output, which is nobody else's business. */
export function ownOutputs(outputs: readonly ort.InferenceSession.ValueMetadata[]) {
  return outputs.filter(({ name }) => name !== STOP);
}

/** Runs a session of a model that is {@link stoppable}. @param into an array for every output of the model that is wanted */
export async function runInPlace(
  session: ort.InferenceSession,
  feeds: Readonly<Record<string, ort.Tensor>>,
  into: Readonly<Record<string, ort.Tensor>>,
): Promise<void> {
  try {
    await session.run(feeds, { [STOP]: null, ...into });
  } catch (error) {
    if ((error as Error).message !== REFUSAL) throw error;
  }
}
