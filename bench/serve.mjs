// The child's end of a measurement: one configuration, set up and run on request. Requests and replies are lines of JSON on
// stdin and stdout; bench/measure.mjs is the other end, bench/peers/losses.py speaks the same in Python.
import { createInterface } from 'node:readline';

/**
 * Answers until stdin closes.
 *
 * {"prepare": configuration}     → {"facts": …}
 * {"turn": {"seconds", "limit"}} → {"milliseconds": one a run, "loss", "gradient", "peakBytes"}
 * {"release": true}              → {}
 * whatever goes wrong            → {"error": message}
 *
 * @param prepare async configuration → { facts, step, release? }; step is async, without arguments, and is what is timed.
 *   It returns { loss, gradient }, which are read and checked after every run, outside the time.
 */
export async function serve(prepare) {
  let step;
  let release;
  let residentBefore;
  const answer = async (request) => {
    if (request.prepare) {
      const { facts, ...prepared } = await prepare(request.prepare);
      ({ step, release } = prepared);
      residentBefore = maxResidentBytes();
      return { facts };
    }
    if (request.release) {
      await release?.();
      return {};
    }
    const measured = await turn(step, request.turn);
    return { ...measured, peakBytes: maxResidentBytes() - residentBefore };
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const reply = await answer(JSON.parse(line)).catch((error) => ({ error: error.message }));
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
}

/** Runs until the time is over, at least once and at most `limit` times. */
async function turn(step, { seconds, limit }) {
  const milliseconds = [];
  let checked;
  const end = performance.now() + 1000 * seconds;
  do {
    const start = performance.now();
    const result = await step();
    milliseconds.push(performance.now() - start);
    checked = read(result);
  } while (performance.now() < end && milliseconds.length < limit);
  return { milliseconds, ...checked };
}

/** Reads every number of a result. `gradient` becomes the sum of magnitudes. */
function read({ loss, gradient }) {
  let sum = 0;
  for (const value of gradient) sum += Math.abs(value);
  if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}`);
  if (!Number.isFinite(sum) || sum === 0) throw new Error(`the magnitudes of the gradient sum to ${sum}`);
  return { loss, gradient: sum };
}

const maxResidentBytes = () => process.resourceUsage().maxRSS * 1024;
