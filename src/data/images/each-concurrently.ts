/** Work on many things at once, but not on all. */

/**
 * Calls `work` for 0 … count − 1, in that order, with at most `concurrency` calls unfinished at a time. After a failure no further
 * call is made; when the ones on the way have ended, the failure of the lowest number is thrown, so that it is the same in every run.
 *
 * @example
 * await eachConcurrently(paths.length, 4, async (i) => {
 *   contents[i] = await readFile(paths[i]);
 * });
 */
export async function eachConcurrently(
  count: number,
  concurrency: number,
  work: (i: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const failures: { readonly i: number; readonly error: unknown }[] = [];
  const worker = async (): Promise<void> => {
    while (next < count && failures.length === 0) {
      const i = next++;
      await work(i).catch((error: unknown) => failures.push({ i, error }));
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker));
  if (failures.length > 0) throw failures.reduce((first, other) => (other.i < first.i ? other : first)).error;
}
