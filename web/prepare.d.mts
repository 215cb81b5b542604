/** Types of prepare.mjs for the tests. */
export function prepareRun(run: string | undefined, folder?: string): void;
