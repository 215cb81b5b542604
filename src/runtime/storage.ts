/**
 * What rooms without Node need of a disk, and no more. `storage-node.ts` implements it with files, `storage-web.ts` with the origin
 * private file system of a page, `storage-none.ts` where there is neither; package.json "imports" chooses, as for "#backend".
 */
export interface Storage {
  /** The names in a directory, settled after an interrupted write; undefined when there is no such directory. */
  list(directory: string): Promise<readonly string[] | undefined>;
  /**
   * The bytes of a file.
   *
   * @param what what the file was to hold, for the message
   * @throws LimbeckError FILE_UNREADABLE
   */
  read(directory: string, name: string, what: string): Promise<Uint8Array>;
  /** The text of a UTF-8 file; @throws LimbeckError FILE_UNREADABLE, NOT_TEXT */
  readText(directory: string, name: string, what: string): Promise<string>;
  /**
   * Writes a whole directory, complete or not at all; one that exists is replaced with all that it holds.
   *
   * @param files relative path with forward slashes → content
   * @throws LimbeckError FILE_UNWRITABLE, INVALID_ARGUMENT
   */
  writeDirectory(directory: string, files: ReadonlyMap<string, string | Uint8Array>): Promise<void>;
  /** How a file of a directory is called, in messages and for users. */
  path(directory: string, name: string): string;
  /**
   * The bytes of a file written by {@link writeFile}; undefined when there is none. What interrupted writes left behind is removed.
   *
   * @param what what the file was to hold, for the message
   * @throws LimbeckError FILE_UNREADABLE
   */
  readIfThere(directory: string, name: string, what: string): Promise<Uint8Array | undefined>;
  /**
   * Writes a file so that its name shows the old content or the new, never a part. Directories are made where they are missing.
   *
   * @throws LimbeckError FILE_UNWRITABLE
   */
  writeFile(directory: string, name: string, data: Uint8Array): Promise<void>;
}
