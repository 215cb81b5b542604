/** Models that come as ONNX bytes rather than as a graph of ours. */
import { backend } from '#backend';
import { LimbeckError } from '../errors.ts';
import type { Session, SessionOptions } from './backend.ts';

/**
 * Opens an ONNX model.
 *
 * @param name how the model is called in messages
 * @throws LimbeckError FILE_CORRUPT when ONNX Runtime does not take it, DEVICE_UNAVAILABLE
 *
 * @example
 * const session = await openModel(await readFile('student/onnx/model.onnx'), 'student/onnx/model.onnx');
 */
export async function openModel(model: Uint8Array, name: string, options: SessionOptions = {}): Promise<Session> {
  try {
    return await backend.createSession(model, options);
  } catch (cause) {
    if (cause instanceof LimbeckError) throw cause;
    const [reason] = (cause as Error).message.split('\n');
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${name}: expected an ONNX model that ${backend.name} ${backend.version} can run, got an error: ${reason} Export or fetch it again.`,
      { cause },
    );
  }
}
