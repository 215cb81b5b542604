/**
 * Single files in the origin private file system, written so that a name shows the old content or the new, whenever the tab is closed:
 * temporary name, write, close, move. A temporary file belongs to whoever holds the lock of its name, so that tabs do not remove what
 * another is writing.
 */

/** What browsers have and the types of TypeScript lack. */
interface MovableFile extends FileSystemFileHandle {
  move?(folder: FileSystemDirectoryHandle, name: string): Promise<void>;
}

/** Only in workers, and only there without a promise. */
interface SyncFile {
  write(data: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

const TEMPORARY = /\.[0-9a-f-]{36}\.tmp$/;

/** @throws whatever the browser throws: QuotaExceededError when the space of the site is used up */
export async function writeWhole(folder: FileSystemDirectoryHandle, name: string, data: Uint8Array): Promise<void> {
  const temporary = `${name}.${crypto.randomUUID()}.tmp`;
  await navigator.locks.request(temporary, async () => {
    const file: MovableFile = await folder.getFileHandle(temporary, { create: true });
    try {
      await writeBytes(file, data);
      if (file.move) {
        await file.move(folder, name);
        return;
      }
      // Where files cannot be moved, a writable stream replaces the content when it is closed, at once and whole.
      await writeBytes(await folder.getFileHandle(name, { create: true }), data);
      await folder.removeEntry(temporary);
    } catch (error) {
      await folder.removeEntry(temporary).catch(() => undefined);
      throw error;
    }
  });
}

/** Removes temporary files whose writers are gone. */
export async function removeStaleTemporaries(folder: FileSystemDirectoryHandle): Promise<void> {
  const stale: string[] = [];
  for await (const name of folder.keys()) if (TEMPORARY.test(name)) stale.push(name);
  for (const name of stale) {
    await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
      if (lock) await folder.removeEntry(name).catch(() => undefined);
    });
  }
}

async function writeBytes(file: FileSystemFileHandle, data: Uint8Array): Promise<void> {
  if (typeof file.createWritable === 'function') {
    const stream = await file.createWritable();
    await stream.write(data as Uint8Array<ArrayBuffer>);
    await stream.close();
    return;
  }
  const handle = await (file as unknown as { createSyncAccessHandle(): Promise<SyncFile> }).createSyncAccessHandle();
  try {
    handle.truncate(0);
    for (let done = 0; done < data.length; ) done += handle.write(data.subarray(done), { at: done });
    handle.flush();
  } finally {
    handle.close();
  }
}
