import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TextDataset, textDataset } from '../../src/data/text-dataset.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { readSafetensors, writeSafetensors } from '../../src/teachers/safetensors.ts';
import type { Teacher } from '../../src/teachers/teacher.ts';
import { embedWithCache, type TeacherCacheOptions } from '../../src/teachers/teacher-cache.ts';
import { listShards, teacherCacheFolder } from '../../src/teachers/teacher-cache-manifest.ts';
import type { TeacherCacheProgress } from '../../src/teachers/teacher-cache-progress.ts';
import { compiledImports } from '../compiled-imports.ts';
import { CountingTeacher } from './counting-teacher.ts';

const code = (code: string) => expect.objectContaining({ name: 'LimbeckError', code });

/** Texts of 1 to 60 random letters, some twice. */
function randomTexts(count: number): string[] {
  const random = new Random(11);
  const texts = Array.from({ length: count }, () =>
    Array.from({ length: 1 + random.integer(60) }, () => String.fromCharCode(97 + random.integer(26))).join(''),
  );
  texts[count - 1] = texts[0];
  return texts;
}

let root: string;
let directory: string;
let warnings: string[];
const texts = randomTexts(50);
const dataset = textDataset({ texts });
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'limbeck-cache-'));
  directory = join(root, 'caches');
  warnings = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const embed = (teacher: Teacher, options: Partial<TeacherCacheOptions> = {}) =>
  embedWithCache({
    teacher,
    dataset,
    directory,
    shardRows: 8,
    onWarning: (message) => warnings.push(message),
    ...options,
  });
const folderOf = (teacher: Teacher, data: TextDataset = dataset) => teacherCacheFolder({ directory, teacher, data });

describe('embedWithCache', () => {
  it('gives the rows of the teacher in the order of the data, from any number of shards', async () => {
    const expected = await new CountingTeacher(5).embed(texts);
    for (const shardRows of [1, 7, 50, 1024]) {
      const teacher = new CountingTeacher(5);
      const { rows, reused, computed } = await embed(teacher, { directory: join(root, `s${shardRows}`), shardRows });
      expect(rows).toEqual(expected);
      expect([reused, computed, teacher.embedded]).toEqual([0, 50, 50]);
    }
  });

  it('computes nothing the second time', async () => {
    const first = await embed(new CountingTeacher(5));
    const teacher = new CountingTeacher(5);
    const second = await embed(teacher);
    expect(second.rows).toEqual(first.rows);
    expect([second.reused, second.computed, teacher.embedded]).toEqual([50, 0, 0]);
    expect(warnings).toEqual([]);
  });

  it('lays the files out as documented, longest texts first', async () => {
    const teacher = new CountingTeacher(5);
    await embed(teacher);
    const key = createHash('sha256')
      .update(JSON.stringify([teacher.fingerprint, dataset.fingerprint, 'float32']))
      .digest('hex');
    expect(readdirSync(directory)).toEqual([key.slice(0, 16)]);
    const folder = folderOf(teacher);
    expect(await listShards(folder)).toEqual([0, 1, 2, 3, 4, 5, 6].map((k) => `rows-0000${k}.safetensors`));
    expect(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))).toEqual({
      formatVersion: 1,
      teacherFingerprint: teacher.fingerprint,
      dataFingerprint: dataset.fingerprint,
      rows: 50,
      dimension: 5,
      dtype: 'float32',
      shardRows: 8,
    });
    const positions: number[] = [];
    for (const name of await listShards(folder)) {
      const file = readSafetensors(new Uint8Array(readFileSync(join(folder, name))), name);
      const index = file.tensorOf('index', 'I32').data;
      positions.push(...index);
      expect(file.tensor('rows').shape).toEqual([index.length, 5]);
      const digest = createHash('sha256').update(file.bytesOf('rows')).update(file.bytesOf('index')).digest('hex');
      expect(file.metadata.get('sha256')).toBe(digest);
    }
    expect(positions).toEqual([...texts.keys()].sort((a, b) => texts[b].length - texts[a].length || a - b));
  });

  it('an empty data set gives no rows and asks the teacher nothing', async () => {
    const teacher = new CountingTeacher(5);
    const { rows, reused, computed } = await embed(teacher, { dataset: textDataset({ texts: [] }) });
    expect([rows.rows, rows.columns, reused, computed, teacher.embedded]).toEqual([0, 5, 0, 0, 0]);
    expect(readdirSync(folderOf(teacher, textDataset({ texts: [] })))).toEqual(['manifest.json']);
  });

  it('reports progress from which rate and time left follow', async () => {
    await embed(new CountingTeacher(5));
    const folder = folderOf(new CountingTeacher(5));
    rmSync(join(folder, 'rows-00001.safetensors'));
    rmSync(join(folder, 'rows-00004.safetensors'));
    const seen: TeacherCacheProgress[] = [];
    const result = await embed(new CountingTeacher(5), { onProgress: (progress) => seen.push(progress) });
    expect([result.reused, result.computed]).toEqual([34, 16]);
    expect(seen.map(({ doneRows, totalRows, reusedRows }) => [doneRows, totalRows, reusedRows])).toEqual([
      [34, 50, 34],
      [42, 50, 34],
      [50, 50, 34],
    ]);
    const total = texts.reduce((sum, text) => sum + text.length, 0);
    const lengths = texts.map((text) => text.length).sort((a, b) => b - a);
    const sum = (from: number) => lengths.slice(from, from + 8).reduce((a, b) => a + b);
    expect(seen.map((progress) => progress.doneWork)).toEqual([total - sum(8) - sum(32), total - sum(32), total]);
    expect(seen.every((p) => p.totalWork === total && p.reusedWork === seen[0].doneWork)).toBe(true);
    expect(seen.every((p, i) => p.seconds >= (i === 0 ? 0 : seen[i - 1].seconds))).toBe(true);
  });

  it('keeps the shard size of an existing cache', async () => {
    await embed(new CountingTeacher(5));
    expect((await embed(new CountingTeacher(5), { shardRows: 3 })).computed).toBe(0);
  });

  it('removes temporary files of dead processes, not of living ones', async () => {
    const folder = folderOf(new CountingTeacher(5));
    mkdirSync(folder, { recursive: true });
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    writeFileSync(join(folder, `rows-00000.safetensors.${dead}-0a1b2c3d.tmp`), 'x');
    writeFileSync(join(folder, `rows-00000.safetensors.${process.ppid}-0a1b2c3d.tmp`), 'x');
    await embed(new CountingTeacher(5));
    const left = readdirSync(folder).filter((name) => name.endsWith('.tmp'));
    expect(left).toEqual([`rows-00000.safetensors.${process.ppid}-0a1b2c3d.tmp`]);
  });

  it('two passes over one cache at once give the same rows and a sound cache', async () => {
    const [a, b] = await Promise.all([embed(new CountingTeacher(5)), embed(new CountingTeacher(5))]);
    expect(a.rows).toEqual(b.rows);
    expect(await embed(new CountingTeacher(5))).toMatchObject({ reused: 50, computed: 0 });
    expect(warnings).toEqual([]);
  });
});

describe('damage is reported and mended, never trusted', () => {
  const shard = (k: number) => join(folderOf(new CountingTeacher(5)), `rows-0000${k}.safetensors`);
  const rewrite = (k: number, change: (rows: Float32Array, index: Int32Array) => void, sha?: string) => {
    const file = readSafetensors(new Uint8Array(readFileSync(shard(k))), 'shard');
    const rows = file.tensor('rows');
    const index = file.tensorOf('index', 'I32');
    change(rows.data, index.data);
    const bytes = (array: Float32Array | Int32Array) => new Uint8Array(array.buffer);
    const digest = createHash('sha256').update(bytes(rows.data)).update(bytes(index.data)).digest('hex');
    const metadata = { ...Object.fromEntries(file.metadata), sha256: sha ?? digest };
    writeFileSync(shard(k), writeSafetensors({ rows, index }, metadata));
  };

  const damages: [string, (k: number) => void, RegExp][] = [
    ['a truncated shard', (k) => truncateSync(shard(k), statSync(shard(k)).size - 5), /inside the 187 bytes of data/],
    ['an empty shard', (k) => truncateSync(shard(k), 0), /expected at least 8 bytes, got 0/],
    ['a flipped bit in the last byte', (k) => flip(shard(k), -1), /bytes with the checksum/],
    ['a flipped bit in the index', (k) => flip(shard(k), -192), /position \d+ at place 0 of the index/],
    ['a flipped bit in the header', (k) => flip(shard(k), 9), /expected a header in JSON/],
    [
      'another shard under its name',
      (k) => writeFileSync(shard(k), readFileSync(shard(k + 1))),
      /at place 0 of the index/,
    ],
    [
      'the short last shard under its name',
      (k) => writeFileSync(shard(k), readFileSync(shard(6))),
      /rows of shape \[8,5\]/,
    ],
    [
      'a NaN with a good checksum',
      (k) => rewrite(k, (rows) => rows.fill(Number.NaN, 3, 4)),
      /expected finite numbers, got NaN/,
    ],
    ['a wrong checksum', (k) => rewrite(k, () => {}, 'beef'), /got "beef"/],
  ];

  it.each(damages)('%s', async (_, damage, message) => {
    const first = await embed(new CountingTeacher(5));
    damage(2);
    const teacher = new CountingTeacher(5);
    const second = await embed(teacher);
    expect(warnings).toEqual([expect.stringMatching(message)]);
    expect(warnings[0]).toContain('rows-00002.safetensors');
    expect(second.rows).toEqual(first.rows);
    expect([second.reused, second.computed, teacher.embedded]).toEqual([42, 8, 8]);
    expect(await embed(new CountingTeacher(5))).toMatchObject({ computed: 0 });
    expect(warnings.length).toBe(1);
  });

  it('a shard of another teacher with the same width under its name', async () => {
    const first = await embed(new CountingTeacher(5));
    const other: Teacher = { fingerprint: 'other', dimension: 5, embed: async (t) => Matrix.zeros(t.length, 5) };
    await embed(other);
    writeFileSync(shard(0), readFileSync(join(folderOf(other), 'rows-00000.safetensors')));
    expect((await embed(new CountingTeacher(5))).rows).toEqual(first.rows);
    expect(warnings).toEqual([expect.stringMatching(/expected rows of the cache/)]);
  });

  it('a damaged manifest is written anew, and the rows are kept', async () => {
    const first = await embed(new CountingTeacher(5));
    const manifest = join(folderOf(new CountingTeacher(5)), 'manifest.json');
    const content = readFileSync(manifest, 'utf8');
    for (const damaged of [content.slice(0, 40), 'null', '{}', '']) {
      writeFileSync(manifest, damaged);
      expect(await embed(new CountingTeacher(5))).toMatchObject({ rows: first.rows, computed: 0 });
      expect(readFileSync(manifest, 'utf8')).toBe(content);
      expect(warnings.splice(0)).toEqual([expect.stringContaining('manifest.json')]);
    }
  });

  function flip(path: string, place: number): void {
    const bytes = readFileSync(path);
    bytes[place < 0 ? bytes.length + place : place] ^= 4;
    writeFileSync(path, bytes);
  }
});

describe('what belongs to something else', () => {
  it('another teacher, and other data, get caches of their own', async () => {
    await embed(new CountingTeacher(5));
    const wide = await embed(new CountingTeacher(6));
    const reordered = await embed(new CountingTeacher(5), { dataset: textDataset({ texts: texts.toReversed() }) });
    expect([wide.computed, reordered.computed]).toEqual([50, 50]);
    expect(reordered.rows.row(49)).toEqual((await new CountingTeacher(5).embed([texts[0]])).row(0));
    expect(readdirSync(directory).length).toBe(3);
  });

  it.each(['teacher', 'data'])('a folder moved from another %s is a mismatch', async (what) => {
    const teacher = new CountingTeacher(5);
    const shorter = textDataset({ texts: texts.slice(1) });
    const source = what === 'teacher' ? { teacher: new CountingTeacher(6) } : { teacher, dataset: shorter };
    await embed(source.teacher, source);
    renameSync(folderOf(source.teacher, source.dataset), folderOf(teacher));
    await expect(embed(teacher)).rejects.toThrow(code('CACHE_MISMATCH'));
    await expect(embed(teacher)).rejects.toThrow(what === 'teacher' ? 'teacherFingerprint' : 'dataFingerprint');
  });

  it('a teacher that changes its width but not its fingerprint is a mismatch', async () => {
    const of = (dimension: number): Teacher => ({
      fingerprint: 'careless',
      dimension,
      embed: async (inputs) => Matrix.zeros(inputs.length, dimension),
    });
    await embed(of(5));
    await expect(embed(of(6))).rejects.toThrow('expected a cache with dimension 6, got 5');
  });
});

describe('bad teachers, bad options, interruption', () => {
  const teacherThat = (embed: Teacher['embed'], dimension = 5): Teacher => ({ fingerprint: 'bad', dimension, embed });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e300])(
    'names the text for which the teacher gives %d',
    async (value) => {
      const bad = teacherThat(async (inputs) => {
        const rows = Matrix.zeros(inputs.length, 5, 'float64');
        if (inputs.includes(texts[17])) rows.row(inputs.indexOf(texts[17]))[3] = value;
        return rows;
      });
      await expect(embed(bad)).rejects.toThrow(code('NON_FINITE'));
      await expect(embed(bad)).rejects.toThrow(/column 3 for text 17, "/);
      const before = (await listShards(folderOf(bad))).length;
      expect(before).toBe(
        [...texts.keys()].sort((a, b) => texts[b].length - texts[a].length || a - b).indexOf(17) >> 3,
      );
    },
  );

  it('refuses too few rows and a wrong width', async () => {
    await expect(embed(teacherThat(async () => Matrix.zeros(3, 5)))).rejects.toThrow(
      'expected 8 rows of 5 for as many samples, got 3 × 5',
    );
    await expect(embed(teacherThat(async () => Matrix.zeros(8, 4)))).rejects.toThrow(code('SHAPE_MISMATCH'));
  });

  it('refuses options that make no sense', async () => {
    const teacher = new CountingTeacher(5);
    for (const shardRows of [0, -1, 1.5, Number.NaN]) {
      await expect(embed(teacher, { shardRows })).rejects.toThrow(code('INVALID_OPTION'));
    }
    await expect(embed({ ...teacherThat(async () => Matrix.zeros(0, 0)), fingerprint: '' })).rejects.toThrow(
      'keyed by it',
    );
    await expect(embed(teacherThat(async () => Matrix.zeros(0, 0), 0))).rejects.toThrow('Teacher dimension');
    expect(existsSync(directory)).toBe(false);
  });

  it('stops on the signal, keeps what is finished, and goes on from there', async () => {
    const abort = new AbortController();
    const stopping = embed(new CountingTeacher(5), {
      signal: abort.signal,
      onProgress: ({ doneRows }) => doneRows === 16 && abort.abort(),
    });
    await expect(stopping).rejects.toThrow(code('ABORTED'));
    await expect(stopping).rejects.toThrow('interrupted with 16 of 50 rows done');
    expect(await embed(new CountingTeacher(5))).toMatchObject({ reused: 16, computed: 34 });
  });

  it('gives ABORTED when the teacher itself stops on the signal, and passes its own errors on', async () => {
    const abort = new AbortController();
    const slow = teacherThat(async (_, options) => {
      abort.abort();
      options?.signal?.throwIfAborted();
      return Matrix.zeros(8, 5);
    });
    await expect(embed(slow, { signal: abort.signal })).rejects.toThrow(code('ABORTED'));
    const broken = teacherThat(async () => {
      throw new TypeError('out of order');
    });
    await expect(embed(broken)).rejects.toThrow(TypeError);
  });
});

describe('a process that is killed', () => {
  const repository = fileURLToPath(new URL('../..', import.meta.url));
  // Shards of 2 MiB take long enough to write that some of the kills fall into it.
  const dimension = 32_768;
  const shardRows = 16;
  const texts = randomTexts(160);
  let compiled: string;

  // Node 20 cannot run TypeScript, so the child and what it imports are compiled, without checking: `npm run check` does that.
  beforeAll(() => {
    compiled = mkdtempSync(join(tmpdir(), 'limbeck-child-'));
    const config = {
      extends: join(repository, 'tsconfig.base.json'),
      compilerOptions: { rootDir: repository, outDir: join(compiled, 'out'), noCheck: true },
      files: [join(repository, 'test/teachers/teacher-cache-child.ts')],
    };
    writeFileSync(join(compiled, 'tsconfig.json'), JSON.stringify(config));
    writeFileSync(join(compiled, 'package.json'), JSON.stringify({ type: 'module', imports: compiledImports() }));
    const tsc = join(repository, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', compiled], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stdout);
    symlinkSync(join(repository, 'node_modules'), join(compiled, 'node_modules'));
    return () => rmSync(compiled, { recursive: true, force: true });
  });

  /** Starts the child; kills it `delay` milliseconds after its `reports`-th report of progress, unless it ends before. */
  async function run(
    directory: string,
    reports = Number.POSITIVE_INFINITY,
    delay = 0,
  ): Promise<Record<string, unknown>> {
    const textsFile = join(root, 'texts.json');
    writeFileSync(textsFile, JSON.stringify(texts));
    const program = join(compiled, 'out/test/teachers/teacher-cache-child.js');
    const child = spawn(process.execPath, [program, textsFile, directory, `${dimension}`, '1000', `${shardRows}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('close', (_, signal) => resolve(signal)));
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      if (lines.push(line) === reports) setTimeout(() => child.kill('SIGKILL'), delay);
    }
    return { ...JSON.parse(lines.at(-1) ?? '{}'), signal: await ended };
  }

  it('goes on where it was, with the bits of an unbroken pass, and never shows a damaged file', async () => {
    const unbroken = await run(join(root, 'unbroken'));
    expect(unbroken).toMatchObject({ signal: null, reused: 0, computed: 160, warnings: [] });
    const [name] = readdirSync(join(root, 'unbroken'));
    const finals = new Map(
      readdirSync(join(root, 'unbroken', name)).map((file) => [file, readFileSync(join(root, 'unbroken', name, file))]),
    );
    expect(finals.size).toBe(160 / shardRows + 1);

    const random = new Random(Date.now());
    const folder = join(directory, name);
    let kills = 0;
    let shards = 0;
    for (let attempt = 0; attempt < 6; attempt++) {
      const { signal } = await run(directory, 1 + random.integer(3), random.uniform() * 20);
      if (signal === 'SIGKILL') kills++;
      const files = readdirSync(folder).filter((file) => !file.endsWith('.tmp'));
      for (const file of files) expect(readFileSync(join(folder, file)).equals(finals.get(file)!), file).toBe(true);
      const now = (await listShards(folder)).length;
      expect(now).toBeGreaterThanOrEqual(shards);
      shards = now;
    }
    expect(kills).toBeGreaterThanOrEqual(3);

    const resumed = await run(directory);
    const reused = shards * shardRows;
    expect(resumed).toMatchObject({
      signal: null,
      digest: unbroken.digest,
      reused,
      computed: 160 - reused,
      warnings: [],
    });
    expect(readdirSync(folder).sort()).toEqual([...finals.keys()].sort());
  });
});
