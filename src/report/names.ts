/** What the samples of a run are called. */
import type { RunRecord } from './run-record.ts';

/** In the plural. */
export function samplesName({ data }: Pick<RunRecord, 'data'>): 'texts' | 'images' {
  return data.kind === 'image' ? 'images' : 'texts';
}
