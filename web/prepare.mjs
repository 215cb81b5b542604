// Puts the public part of a run directory beside the page (web/public/run, not in git): its record and curves, its held-out texts with
// rows, which are the index and the prepared queries of the tab Search, and its student.
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const target = fileURLToPath(new URL('public/run', import.meta.url));

const NEEDED = [
  'run.json',
  'held-out/texts.jsonl',
  'held-out/rows.safetensors',
  'student/config.json',
  'student/tokenizer.json',
  'student/onnx/model.onnx',
];
const WELCOME = ['metrics.jsonl', 'student/tokenizer_config.json', 'student/README.md'];

/**
 * @param {string | undefined} run a directory that limbeck demo or limbeck distill wrote; without one the site has no run
 * @throws {Error} naming the files that are missing; the site is then left as it was
 */
export function prepareRun(run, folder = target) {
  const missing = run === undefined ? [] : NEEDED.filter((file) => !existsSync(join(run, file)));
  if (missing.length > 0) {
    throw new Error(
      `${run}: expected the directory of a finished run of texts, got one without ${missing.join(', ')}. ` +
        'Run limbeck demo or limbeck distill first, and name its directory.',
    );
  }
  rmSync(folder, { recursive: true, force: true });
  if (run === undefined) return;
  for (const file of [...NEEDED, ...WELCOME]) {
    if (existsSync(join(run, file))) cpSync(join(resolve(run), file), join(folder, file));
  }
}
