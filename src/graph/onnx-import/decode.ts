/** From bytes to the messages of an ONNX file. */
import onnxProto from 'onnx-proto';
import { LimbeckError } from '../../errors.ts';

/**
 * @param name how the file is called in messages
 * @throws LimbeckError FILE_CORRUPT for what is no model
 */
export function decodeModel(bytes: Uint8Array, name: string): onnxProto.onnx.IModelProto {
  let model: onnxProto.onnx.IModelProto | undefined;
  let cause: unknown;
  try {
    model = onnxProto.onnx.ModelProto.decode(bytes);
  } catch (error) {
    cause = error;
  }
  if (model?.graph?.output?.length) return model;
  const reason = cause instanceof Error ? cause.message : 'no graph with outputs';
  throw new LimbeckError('FILE_CORRUPT', `${name}: expected an ONNX model, got ${reason}. Export or fetch it again.`, {
    cause,
  });
}
