/** Whether a file is still the one that was read before: by its size and the time of its last change. */
import { LimbeckError } from '../errors.ts';

export interface FileStatus {
  readonly size: number;
  readonly mtimeMs: number;
}

/** @throws LimbeckError DATA_MISMATCH */
export function assertUnchanged(path: string, before: FileStatus, now: FileStatus): void {
  if (before.size === now.size && before.mtimeMs === now.mtimeMs) return;
  throw new LimbeckError(
    'DATA_MISMATCH',
    `${path}: expected the file as it was opened (${describe(before)}), got another one (${describe(now)}). ` +
      'Leave the file alone while it is in use; open it again to use what it holds now.',
  );
}

function describe({ size, mtimeMs }: FileStatus): string {
  return `${size} bytes, changed ${new Date(mtimeMs).toISOString()}`;
}
