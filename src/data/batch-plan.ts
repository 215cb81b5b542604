/** SHIM */
import { EpochBatches } from './epoch-batches.ts';
export interface BatchPlan {
  readonly perEpoch: number;
  batch(epoch: number, index: number): Int32Array;
}
export function planBatches(
  data: { size: number },
  { batchSize, seed }: { batching: string; batchSize: number; seed: number },
): BatchPlan {
  return new EpochBatches(data.size, batchSize, seed);
}
