/**
 * The program that checkpoint.test.ts starts and kills: a run with a checkpoint, with one line on standard output for every step,
 * and the digest of all that was trained as the last line.
 */
import { digest, type Kind, newRun, train } from './checkpoint-runs.ts';

const [kind, directory, every] = process.argv.slice(2);
const run = newRun(kind as Kind, {
  checkpoint: { directory, every: Number(every) },
  onStep: ({ step }) => {
    process.stdout.write(`step ${step}\n`);
    // Time to be killed in: a step takes a millisecond.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  },
});
await train(run);
process.stdout.write(`${digest(run)}\n`);
