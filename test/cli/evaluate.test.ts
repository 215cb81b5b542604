/** `limbeck evaluate`: a saved student, data and rows from files, and what is printed of them. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeNpy } from '../../src/data/npy.ts';
import { readTexts } from '../../src/data/read-texts.ts';
import { accuracy } from '../../src/evaluation/accuracy.ts';
import { meanCosine } from '../../src/evaluation/mean-cosine.ts';
import { pairSimilarity } from '../../src/evaluation/pair-similarity.ts';
import { retrieval } from '../../src/evaluation/retrieval.ts';
import { mlp } from '../../src/students/images/mlp.ts';
import { cacheTeacherRows } from '../../src/teachers/teacher-cache.ts';
import { Student } from '../../src/training/student.ts';
import { bagOfWordsRows, tinyStudent, wordNetTexts } from '../training/tiny-problem.ts';
import { compileCommand, complaint, type Finished, runCommand } from './compiled-command.ts';

const { texts } = wordNetTexts(60);
const teacher = bagOfWordsRows(texts, 12);
const student = tinyStudent(texts, { width: 8, dimension: 12, seed: 0 });
const CLASSES = ['cat', 'dog', 'elk'];
const eye = mlp({ widths: [6], channels: 3, size: [4, 5], classes: 3, seed: 1 });

let root: string;
let main: string;
const path = (name: string) => join(root, name);
beforeAll(async () => {
  ({ root, main } = compileCommand());
  await student.save(path('student'));
  await eye.save(path('eye'), { classNames: CLASSES });
  writeFileSync(path('texts.txt'), `${texts.join('\n')}\n`);
  writeFileSync(path('rows.npy'), writeNpy(teacher));
  writeFileSync(
    path('more.npy'),
    writeNpy(
      bagOfWordsRows(
        texts.map((text) => `${text} again`),
        12,
        5,
      ),
    ),
  );
  // No cats, so that the data's own numbers of classes are others than the student's.
  for (const [c, name] of ['dog', 'elk'].entries()) {
    mkdirSync(path(`photos/${name}`), { recursive: true });
    for (let i = 0; i < 3; i++) {
      const pixels = Uint8Array.from({ length: 60 }, (_, k) => (k * (13 + i) + 90 * c) % 256);
      await sharp(pixels, { raw: { width: 5, height: 4, channels: 3 } })
        .png()
        .toFile(path(`photos/${name}/${i}.png`));
    }
  }
  writeFileSync(path('photos/dog/broken.png'), 'no image');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const evaluate = (args: readonly string[], env: Record<string, string> = {}): Promise<Finished> =>
  runCommand(main, ['evaluate', ...args], { env });
const json = async (args: readonly string[]) => {
  const { code, stdout, stderr } = await evaluate([...args, '--json']);
  expect(complaint(stderr)).toEqual([]);
  expect(code).toBe(0);
  return JSON.parse(stdout);
};

describe('texts', () => {
  it('rows of the teacher: the numbers that the functions give; size and time', async () => {
    const found = await json([path('student'), '--data', path('texts.txt'), '--embeddings', path('rows.npy')]);
    const loaded = await Student.load(path('student'));
    const rows = await loaded.embed(texts);
    await loaded.release();
    const { recallAt, meanReciprocalRank } = retrieval(rows, teacher);
    const cosine = meanCosine(rows, teacher);
    expect(found.metrics).toEqual({
      recallAt1: recallAt[1],
      recallAt10: recallAt[10],
      meanReciprocalRank,
      meanCosine: cosine,
    });
    expect(found.samples).toBe(60);
    expect(found.student).toEqual({
      directory: path('student'),
      kind: 'text',
      dimension: 12,
      classes: null,
      sizeBytes: readFileSync(path('student/onnx/model.onnx')).length,
    });
    expect(found.latency).toMatchObject({ samples: 60 });
    expect(found.data).toMatchObject({ skipped: [], majorityClass: null });
  });

  it('--index makes it harder; --cache takes the rows that a teacher left', async () => {
    const given = [path('student'), '--data', path('texts.txt')];
    const harder = await json([...given, '--embeddings', path('rows.npy'), '--index', path('more.npy')]);
    const plain = await json([...given, '--embeddings', path('rows.npy')]);
    expect(harder.metrics.meanReciprocalRank).toBeLessThan(plain.metrics.meanReciprocalRank);
    const data = await readTexts(path('texts.txt'));
    const teacherOfRows = {
      fingerprint: 'bag of words',
      dimension: 12,
      embed: async (some: readonly string[]) => bagOfWordsRows(some, 12),
    };
    await cacheTeacherRows({ teacher: teacherOfRows, data, directory: path('cache') });
    expect((await json([...given, '--cache', path('cache')])).metrics).toEqual(plain.metrics);
    const none = await evaluate([...given, '--limit', '5', '--cache', path('cache')]);
    expect(complaint(none.stderr).join()).toMatch(/got none among 1 caches.*\[CACHE_MISMATCH\]/);
  });

  it('texts that are left out take their rows with them, and are listed', async () => {
    const gaps = texts.flatMap((text, i) => [JSON.stringify({ text }), ...(i === 2 ? ['{"text":""}'] : [])]);
    writeFileSync(path('gaps.jsonl'), `${gaps.join('\n')}\n`);
    const rows = bagOfWordsRows([...texts.slice(0, 3), 'x', ...texts.slice(3)], 12);
    writeFileSync(path('gaps.npy'), writeNpy(rows));
    const found = await json([path('student'), '--data', path('gaps.jsonl'), '--embeddings', path('gaps.npy')]);
    const whole = await json([path('student'), '--data', path('texts.txt'), '--embeddings', path('rows.npy')]);
    expect(found.metrics).toEqual(whole.metrics);
    expect(found.data.skipped).toEqual([{ where: 'gaps.jsonl, line 4', reason: 'empty text' }]);
  });

  it('--pairs and --full: similarity that follows scores, agreement of the spaces', async () => {
    const lines = texts.slice(1).map((text, i) => JSON.stringify({ one: texts[i], two: text, score: i % 5 }));
    writeFileSync(path('pairs.jsonl'), `${lines.join('\n')}\n`);
    const found = await json(
      [path('student'), '--data', path('texts.txt'), '--embeddings', path('rows.npy'), '--full'].concat([
        '--pairs',
        path('pairs.jsonl'),
        '--pair-columns',
        'one,two,score',
      ]),
    );
    expect(Object.keys(found.metrics)).toEqual(
      ['recallAt1', 'recallAt10', 'meanReciprocalRank', 'meanCosine', 'pairSpearman', 'pairPearson'].concat([
        'neighbourOverlap',
        'linearCka',
        'similarityCorrelation',
        'uniformity',
      ]),
    );
    const loaded = await Student.load(path('student'));
    const rows = await loaded.embed(texts);
    await loaded.release();
    const scores = texts.slice(1).map((_, i) => i % 5);
    const [left, right] = [rows.gather([...scores.keys()]), rows.gather([...scores.keys()].map((i) => i + 1))];
    expect(found.metrics.pairSpearman).toBeCloseTo(pairSimilarity({ left, right, scores }).spearman, 6);
  });

  it('40 columns: no line is longer; nothing but progress on stderr', async () => {
    const args = [path('student'), '--data', 'texts.txt', '--embeddings', path('rows.npy')];
    writeFileSync(path('texts.txt'), `${texts.join('\n')}\n`);
    const { code, stdout, stderr } = await evaluate(args, { COLUMNS: '40' });
    expect([code, complaint(stderr)]).toEqual([0, []]);
    const lines = stdout.split('\n').slice(2);
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(40);
    expect(stdout).toMatch(/^R@1 +\d\.\d{3}$/m);
    expect(stdout).toMatch(/^speed +[\d,]+ texts\/s$/m);
  });
});

describe('images', () => {
  it('a folder for each class: labels by name, neighbours, what does not decode', async () => {
    const found = await json([path('eye'), '--data', path('photos')]);
    const loaded = await Student.load(path('eye'));
    const files = ['dog', 'elk'].flatMap((name) => [0, 1, 2].map((i) => path(`photos/${name}/${i}.png`)));
    const logits = await loaded.logits(files);
    await loaded.release();
    expect(found.metrics.accuracy).toBeCloseTo(accuracy(logits, [1, 1, 1, 2, 2, 2]), 12);
    expect(Object.keys(found.metrics)).toEqual([
      'accuracy',
      'calibrationError',
      'negativeLogLikelihood',
      'knnAccuracy',
    ]);
    expect(found.data.majorityClass).toEqual({ label: 1, name: 'dog', share: 0.5 });
    expect(found.data.skipped).toHaveLength(1);
    const { stdout } = await evaluate([path('eye'), '--data', path('photos')]);
    expect(stdout).toContain('6 images');
    expect(stdout).toMatch(/^left out: 1 /m);
  });
});

describe('what is refused', () => {
  const given = () => [path('student'), '--data', path('texts.txt')];
  it.each([
    [
      'no student',
      () => [path('photos'), '--data', path('texts.txt')],
      1,
      /got none of config\.json.*\[FILE_UNREADABLE\]/,
    ],
    ['no data', () => [path('student'), '--data', path('nothing.txt')], 1, /nothing\.txt.*\[FILE_UNREADABLE\]/],
    [
      'another number of rows',
      () => [...given(), '--limit', '9', '--embeddings', path('few.npy')],
      1,
      /few\.npy.*\[\w+\]/,
    ],
    [
      'rows of another width',
      () => [...given(), '--embeddings', path('wide.npy')],
      1,
      /12 numbers from the model and 3/,
    ],
    ['rows twice', () => [...given(), '--embeddings', 'a', '--cache', 'b'], 2, /got both/],
    ['an index alone', () => [...given(), '--index', path('rows.npy')], 2, /--index: expected/],
    ['IDX labels of texts', () => [...given(), '--labels', 'a'], 2, /--labels: expected an image student/],
    [
      'IDX labels of a folder',
      () => [path('eye'), '--data', path('photos'), '--labels', 'a'],
      2,
      /--labels: expected an IDX/,
    ],
    ['no --data', () => [path('student')], 2, /--data/],
    ['a limit of nothing', () => [...given(), '--limit', '0'], 2, /whole number/],
  ])('%s', async (_, args, code, message) => {
    writeFileSync(path('few.npy'), writeNpy(bagOfWordsRows(['a'], 12)));
    writeFileSync(path('wide.npy'), writeNpy(bagOfWordsRows(texts, 3)));
    const finished = await evaluate(args());
    expect([finished.code, finished.stdout]).toEqual([code, '']);
    expect(complaint(finished.stderr).join()).toMatch(message);
  });

  it('--help shows examples', async () => {
    const { code, stdout } = await evaluate(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('limbeck evaluate runs/pets/student --data photos/test');
  });
});
