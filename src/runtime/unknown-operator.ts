/** What ONNX Runtime says of nodes that it has no kernel for. */
import { LimbeckError } from '../errors.ts';

/** Graphs may hold nodes of a file that the engine passes on without knowing them; ONNX Runtime need not know them either. */
export function unknownOperator(cause: unknown): LimbeckError | undefined {
  const [reason] = (cause as Error).message.split('\n');
  return /not a registered function|NOT_IMPLEMENTED|Could not find an implementation/.test(reason)
    ? new LimbeckError('UNSUPPORTED', `compile: expected operators that ONNX Runtime has; it says: ${reason}`, {
        cause,
      })
    : undefined;
}
