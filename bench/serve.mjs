// The child's end of a measurement: one configuration, set up and run on request. Requests and replies are lines of JSON on
// stdin and stdout; bench/measure.mjs is the other end, bench/peers/serve.py speaks the same in Python.
import { createInterface } from 'node:readline';
import { Stages } from './stages.mjs';

/**
 * Answers until stdin closes.
 *
 * {"prepare": configuration}     → {"facts": …} and what else the work says of itself
 * {"turn": {"seconds", "limit"}} → {"milliseconds": one a run, "loss", "gradient", "peakBytes", "residentBytes"};
 *                                  the peak of resident memory: how far it rose since the preparation, and the whole of it
 * {"release": true}              → {}; of a configuration with a `profile`, the beginning of a path, what profileSessions().end() tells
 *                                  of the last turn
 * whatever goes wrong            → {"error": message}
 *
 * @param prepare async (configuration, stages?) → { facts, step, release?, … }; step is async, without arguments, and is what is timed.
 *   It returns { loss, gradient }, which are read and checked after every run, outside the time. `stages` is there when a profile is
 *   asked for.
 */
export async function serve(prepare) {
  let step;
  let release;
  let profiler;
  let residentBefore;
  const answer = async (request) => {
    if (request.prepare) {
      const { profile } = request.prepare;
      const stages = profile === undefined ? undefined : new Stages();
      if (stages) profiler = (await import('./profile-sessions.mjs')).profileSessions(profile, stages);
      const { step: prepared, release: end, ...reply } = await prepare(request.prepare, stages);
      step = prepared;
      release = end;
      residentBefore = maxResidentBytes();
      return reply;
    }
    if (request.release) {
      await release?.();
      return profiler ? await profiler.end() : {};
    }
    profiler?.reset();
    const measured = await turn(step, request.turn);
    const residentBytes = maxResidentBytes();
    return { ...measured, peakBytes: residentBytes - residentBefore, residentBytes };
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
    checked = readResult(result);
  } while (performance.now() < end && milliseconds.length < limit);
  return { milliseconds, ...checked };
}

/**
 * Reads every number of a result, so that none is measured that nobody read. `gradient` becomes the sum of magnitudes.
 *
 * @throws Error for a loss or a number that is not finite, and for numbers that are all zero
 */
export function readResult({ loss, gradient }) {
  let sum = 0;
  for (const value of gradient) sum += Math.abs(value);
  if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}`);
  if (!Number.isFinite(sum) || sum === 0) throw new Error(`the magnitudes of the gradient sum to ${sum}`);
  return { loss, gradient: sum };
}

const maxResidentBytes = () => process.resourceUsage().maxRSS * 1024;
