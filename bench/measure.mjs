// Measuring in child processes: a child per library and configuration, so that peaks of memory are its own, and turns that
// alternate between the libraries, so that whatever else the machine does meets all of them.
import { spawn } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** Turns that a time budget is divided into. */
const TURNS = 5;

/** Enough for a median, where runs are short. */
const RUNS_IN_TURN = 50;

/** Long enough for the threads of the library that ran last to stop spinning for more work. */
const SETTLE_MILLISECONDS = 50;

/** The parent's end of bench/serve.mjs. */
export class Worker {
  #child;
  #replies;
  /** How the child ended, in words, once it has. */
  #ended;

  constructor(command, args) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdin.on('error', () => {}); // of a child that has died, which request() reports
    this.#replies = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => resolve(error.message));
      this.#child.on('exit', (status, signal) => resolve(signal ?? `exit status ${status}`));
    });
  }

  /** The reply; { error } when the child ends without one. */
  async request(message) {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
    const { value, done } = await this.#replies.next();
    return done ? { error: `the process ended without a result: ${await this.#ended}` } : JSON.parse(value);
  }

  async end() {
    this.#child.stdin.end();
    await this.#ended;
  }
}

/**
 * Measures prepared workers in alternate turns. The first run of each is a warm-up, unless it alone takes longer than `seconds`:
 * then it is the measurement.
 *
 * @param seconds time budget of each worker
 * @returns for every worker { runs, median, fastest, slowest (milliseconds), loss, gradient, peakBytes } or { error }
 */
export async function measureInTurns(workers, seconds) {
  const measured = workers.map((worker) => ({ worker, samples: [], finished: false }));
  const takeTurn = async (side, turn) => {
    await sleep(SETTLE_MILLISECONDS);
    const { milliseconds = [], ...reply } = await side.worker.request({ turn });
    side.reply = reply;
    if (reply.error) side.finished = true;
    return milliseconds;
  };
  for (const side of measured) {
    const [first] = await takeTurn(side, { seconds: 0, limit: 1 });
    if (first > 1000 * seconds) Object.assign(side, { samples: [first], finished: true });
  }
  for (let turn = 0; turn < TURNS; turn++) {
    for (const side of measured.filter(({ finished }) => !finished)) {
      side.samples.push(...(await takeTurn(side, { seconds: seconds / TURNS, limit: RUNS_IN_TURN })));
      side.finished ||= side.samples.reduce((sum, sample) => sum + sample, 0) >= 1000 * seconds;
    }
  }
  return measured.map(({ samples, reply }) => (reply.error ? reply : { ...statistics(samples), ...reply }));
}

/** Of times in milliseconds. */
export function statistics(samples) {
  const sorted = Float64Array.from(samples).sort();
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { runs: sorted.length, median, fastest: sorted[0], slowest: sorted[sorted.length - 1] };
}

/** What the figures were measured on. */
export function machineFacts() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
  };
}
