/**
 * What rooms without Node need of a disk, and no more. `storage-node.ts` implements it with files, `storage-none.ts` where there are
 * none; package.json "imports" chooses, as for "#backend".
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
}
