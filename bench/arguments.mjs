// What the suites' command lines have in common.
import { spawnSync } from 'node:child_process';
import { InvalidArgumentError } from 'commander';

/** Parses a number of seconds. */
export function duration(text) {
  if (!/^\d*\.?\d+$/.test(text)) throw new InvalidArgumentError('Expected a number of seconds.');
  return Number(text);
}

/** The command of a Python that has PyTorch; undefined, with a line that says so, when there is none. */
export function findPeer(named) {
  const python = typeof named === 'string' ? named : (process.env.LIMBECK_BENCH_PYTHON ?? 'python3');
  if (spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0) return python;
  console.log(`No comparison with PyTorch: "${python}" cannot import torch.\n`);
  return undefined;
}
