/**
 * A pause for the event loop. A run of ONNX Runtime's WebAssembly ends without one, so that a loop of runs, as training is, would never let
 * messages in: no abort, no progress.
 */

/** Milliseconds of work between two pauses. */
const LONGEST = 25;

let last = performance.now();

/** Lets waiting messages and timers go first, when it has been long enough. */
export async function breathe(): Promise<void> {
  if (performance.now() - last < LONGEST) return;
  // Not a timer: nested ones wait four milliseconds each.
  await new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
  last = performance.now();
}
