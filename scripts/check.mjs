// npm run check: formatting and lint, the compilers, and the direction of imports between rooms; two at a time, as they each use one core.
// Every one runs to its end, so that all that is wrong is seen at once; the exit status is 1 if any found something.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (path) => fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url));
const tsc = (...project) => [bin('typescript/bin/tsc'), '-p', ...project];
const commands = [
  tsc('tsconfig.json'),
  tsc('tsconfig.portable.json'),
  tsc('tsconfig.browser.json', '--noEmit'),
  tsc('test/web'),
  tsc('web'),
  [bin('@biomejs/biome/bin/biome'), 'check', '.'],
  [fileURLToPath(new URL('check-rooms.mjs', import.meta.url))],
];

let failed = false;
async function worker() {
  for (let command = commands.shift(); command; command = commands.shift()) {
    const child = spawn(process.execPath, command, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    const status = await new Promise((resolve) => child.on('close', resolve));
    if (status !== 0) failed = true;
  }
}
await Promise.all([worker(), worker()]);
if (failed) process.exitCode = 1;
