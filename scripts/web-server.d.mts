/** Types of web-server.mjs for the tests. */
export function startWebServer(
  mounts: Readonly<Record<string, string>>,
  options?: { readonly port?: number; readonly headers?: Readonly<Record<string, string>> },
): Promise<{ readonly url: string; readonly stop: () => Promise<void> }>;
