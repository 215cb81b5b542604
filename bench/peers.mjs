// Which other libraries a suite is compared with: PyTorch, where a Python has it, and TensorFlow.js and jax-js, where a folder holds
// them. None of them is a dependency of the package; how to install them stands in bench/NOTES.md.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Side → the npm package that it needs and its script in peers/. */
export const NODE_PEERS = {
  tfjs: { title: 'TensorFlow.js', package: '@tensorflow/tfjs-backend-wasm', script: 'tfjs.mjs' },
  'jax-js': { title: 'jax-js', package: '@jax-js/jax', script: 'jax-js.mjs' },
};

/** Adds the options by which {@link findPeers} finds them. */
export function withPeerOptions(command) {
  return command
    .option('--peers [python]', 'a Python with PyTorch to compare with; default LIMBECK_BENCH_PYTHON, or python3')
    .option('--node-peers <folder>', 'where TensorFlow.js and jax-js are installed; default LIMBECK_BENCH_NODE_PEERS')
    .option('--no-peers', 'compare with nothing');
}

/**
 * @returns { torch, nodePeers }: the command of a Python that has PyTorch, or undefined; side → { folder, script } of those that are
 *   there. What is not there is said in a line.
 */
export function findPeers({ peers, nodePeers: folder = process.env.LIMBECK_BENCH_NODE_PEERS }) {
  if (peers === false) return { torch: undefined, nodePeers: {} };
  const python = typeof peers === 'string' ? peers : (process.env.LIMBECK_BENCH_PYTHON ?? 'python3');
  const hasTorch = spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0;
  if (!hasTorch) console.log(`No comparison with PyTorch: "${python}" cannot import torch.`);
  const nodePeers = {};
  for (const [side, { title, package: name, script }] of Object.entries(NODE_PEERS)) {
    if (folder !== undefined && existsSync(join(folder, 'node_modules', name, 'package.json'))) {
      nodePeers[side] = { folder: resolve(folder), script: peerScript(script) };
    } else {
      const where = folder === undefined ? '--node-peers names no folder' : `${folder} has no ${name}`;
      console.log(`No comparison with ${title}: ${where}.`);
    }
  }
  if (!hasTorch || Object.keys(nodePeers).length < Object.keys(NODE_PEERS).length) console.log('');
  return { torch: hasTorch ? python : undefined, nodePeers };
}

export function peerScript(name) {
  return fileURLToPath(new URL(`peers/${name}`, import.meta.url));
}
