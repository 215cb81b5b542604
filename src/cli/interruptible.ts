/** Ctrl-C in commands that keep what they have: once, the work ends at the next good place; twice, at once. */
import { LimbeckError } from '../errors.ts';

/** Exit code of an interrupted command: 128 and the number of SIGINT. */
export const INTERRUPTED = 130;

/**
 * @param message what to say when the work was interrupted
 * @returns what the work gives; undefined when it was interrupted, the exit code then being set
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  message: (error: LimbeckError) => string,
): Promise<T | undefined> {
  const interrupted = new AbortController();
  const stop = (): void => {
    if (interrupted.signal.aborted) process.exit(INTERRUPTED);
    process.stderr.write('\nlimbeck: finishing the step; Ctrl-C once more ends at once, without a checkpoint\n');
    interrupted.abort();
  };
  process.on('SIGINT', stop);
  try {
    return await work(interrupted.signal);
  } catch (error) {
    if (!(error instanceof LimbeckError && error.code === 'ABORTED')) throw error;
    process.stderr.write(`\n${message(error)}\n`);
    process.exitCode = INTERRUPTED;
    return undefined;
  } finally {
    process.off('SIGINT', stop);
  }
}

/**
 * The command line as a shell takes it.
 *
 * @param without flags that are left out
 */
export function commandLine(without: readonly string[] = []): string {
  const quoted = (text: string): string =>
    /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
  return [
    'limbeck',
    ...process.argv
      .slice(2)
      .filter((text) => !without.includes(text))
      .map(quoted),
  ].join(' ');
}
