/** Warnings go to the host's console, where there is one; rooms that run in the browser have no Node types to name it. */

/** Takes one line of warning. */
export type WarningHandler = (message: string) => void;

/** Prints a warning to the console. */
export const warnOnConsole: WarningHandler = (message) => {
  const host = globalThis as { console?: { warn(message: string): void } };
  host.console?.warn(`limbeck: ${message}`);
};
