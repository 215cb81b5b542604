/** `limbeck init`: what it writes runs as it is, with the columns that the data have; nothing is replaced unasked. */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { MINILM } from '../material.ts';
import { compileCommand, complaint, runCommand } from './compiled-command.ts';
import { writeGlosses } from './small-data.ts';

let root: string;
let main: string;
beforeAll(async () => {
  ({ root, main } = compileCommand());
  await writeGlosses(root, 120);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const at = (...path: string[]): string => join(root, ...path);
const limbeck = (...args: string[]) => runCommand(main, args);
const written = (directory = '.') => parse(readFileSync(at(directory, 'limbeck.yaml'), 'utf8'));

describe('what is written', () => {
  it('texts and rows: runs as it is', async () => {
    const { code, stdout } = await limbeck('init', '--texts', 'glosses.jsonl', '--embeddings', 'glosses.npy');
    expect([code, stdout]).toEqual([0, expect.stringContaining('\n  limbeck distill\n')]);
    expect(written()).toMatchObject({
      data: { texts: 'glosses.jsonl', column: 'text', labelColumn: 'label', idColumn: 'id' },
      teacher: { embeddings: 'glosses.npy' },
      student: { kind: 'static' },
    });
    const run = await limbeck('distill', '--epochs', '1', '--set', 'student.vocabularySize=300');
    expect([run.code, complaint(run.stderr)]).toEqual([0, []]);
  });

  it('a file that is there stays, without --force', async () => {
    const before = readFileSync(at('limbeck.yaml'), 'utf8');
    const refused = await limbeck('init', '--texts', 'glosses.jsonl', '--no-teacher');
    expect([refused.code, complaint(refused.stderr)[0]]).toEqual([
      2,
      expect.stringMatching(/expected no file of that name.*--force/),
    ]);
    expect(readFileSync(at('limbeck.yaml'), 'utf8')).toBe(before);
    const forced = await limbeck(
      'init',
      '--texts',
      'glosses.jsonl',
      '--embeddings',
      'glosses.npy',
      '--force',
      '--json',
    );
    expect(forced.code).toBe(0);
    expect(JSON.parse(forced.stdout)).toMatchObject({ file: 'limbeck.yaml', next: 'limbeck distill' });
  });

  it('rows with ids in .jsonl are aligned by them; columns of other names are found; into another directory', async () => {
    writeFileSync(at('docs.csv'), 'uuid,kind,body\n1,a,"one, two three"\n2,b,"four\nfive six"\n');
    writeFileSync(at('rows.jsonl'), '{"_id": "1", "vector": [1, 2]}\n{"_id": "2", "vector": [3, 4]}\n');
    mkdirSync(at('sub'));
    const { code, stdout } = await limbeck('init', 'sub', '--texts', 'docs.csv', '--embeddings', 'rows.jsonl');
    expect([code, stdout]).toEqual([0, expect.stringContaining('limbeck distill sub/limbeck.yaml')]);
    expect(written('sub')).toMatchObject({
      data: { texts: 'docs.csv', column: 'body', idColumn: 'uuid' },
      teacher: { embeddings: 'rows.jsonl', column: 'vector', align: 'id', idColumn: '_id' },
    });
  });

  it('a bert teacher and a student of its layers', async () => {
    symlinkSync(MINILM, at('minilm'));
    await limbeck('init', '--force', '--texts', 'glosses.jsonl', '--bert', 'minilm', '--student', 'transformer');
    expect(written()).toMatchObject({
      teacher: { bert: 'minilm' },
      student: { kind: 'transformer', fromTeacher: [0, 5] },
    });
  });

  it('images by labels alone: runs as it is', async () => {
    for (const [name, background] of [
      ['red', '#a00000'],
      ['blue', '#0000a0'],
    ]) {
      mkdirSync(at('photos', name), { recursive: true });
      for (let i = 0; i < 6; i++) {
        const image = sharp({ create: { width: 12 + i, height: 12, channels: 3, background } });
        await image.png().toFile(at('photos', name, `${i}.png`));
      }
    }
    await limbeck('init', '--force', '--images', 'photos', '--no-teacher');
    expect(written()).toMatchObject({
      data: { images: 'photos', size: 32 },
      teacher: 'none',
      strategy: { kind: 'supervised' },
      student: { kind: 'resnet' },
    });
    const run = await limbeck(
      'distill',
      '--epochs',
      '2',
      '--set',
      'student.depth=8',
      '--set',
      'data.size=8',
      '--set',
      'data.validation=0.3',
    );
    expect([run.code, complaint(run.stderr)]).toEqual([0, []]);
    expect(JSON.parse(readFileSync(at('runs/photos/student/config.json'), 'utf8')).limbeck.classNames).toEqual([
      'blue',
      'red',
    ]);
  });
});

describe('wrong usage', () => {
  it('nobody to ask, two teachers, two kinds of data, no such student: 2; what is not there: 1', async () => {
    rmSync(at('limbeck.yaml'));
    const results = await Promise.all([
      limbeck('init', '--texts', 'glosses.jsonl'),
      limbeck('init', '--texts', 'glosses.jsonl', '--bert', 'a', '--onnx', 'b'),
      limbeck('init', '--texts', 'a', '--images', 'b'),
      limbeck('init', '--student', 'statc'),
      limbeck('init', '--texts', 'nowhere.txt', '--no-teacher'),
    ]);
    expect(results.map(({ code }) => code)).toEqual([2, 2, 2, 2, 1]);
    expect(complaint(results[0].stderr)[0]).toContain('nobody to ask');
    expect(complaint(results[1].stderr)[0]).toContain('got --bert and --onnx');
    expect(existsSync(at('limbeck.yaml'))).toBe(false);
  });
});
