import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writeNpy } from '../../src/data/npy.ts';
import { readTexts } from '../../src/data/read-texts.ts';
import { splitByHash } from '../../src/data/split-by-hash.ts';
import { textDataset } from '../../src/data/text-dataset.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { EmbeddingsTeacher } from '../../src/teachers/embeddings-teacher.ts';
import { EnsembleTeacher } from '../../src/teachers/ensemble-teacher.ts';
import { cacheTeacherRows } from '../../src/teachers/teacher-cache.ts';
import { fixture, temporaryFiles } from '../data/temporary-files.ts';

const file = temporaryFiles();
const failure = (code: string, message: string) =>
  expect.objectContaining({ name: 'LimbeckError', code, message: expect.stringContaining(message) });
const counting = (rows: number) => writeNpy(Matrix.from(Array.from({ length: rows }, (_, i) => [i, -i])));

describe('EmbeddingsTeacher by order', () => {
  it('answers by the place in the source, those left out counted, in every part of the data', async () => {
    const data = await readTexts(file('t.txt', 'zero\n\ntwo\nthree\ntwo\n'), { deduplicate: true });
    const teacher = await EmbeddingsTeacher.load(file('t.npy', counting(5)));
    expect([teacher.dimension, teacher.rows]).toEqual([2, 5]);
    const embed = async (numbers: number[]) =>
      (await teacher.embed(await data.read(numbers), { samples: { data, numbers } })).toArray();
    expect(await embed([2, 0, 1])).toEqual([
      [3, -3],
      [0, -0],
      [2, -2],
    ]);
    expect(await embed([])).toEqual([]);
    const { training, heldOut } = await splitByHash(data, { share: 0.5 });
    for (const part of [training, heldOut]) {
      expect(
        teacher
          .rowsOf(part)
          .gather([...Array(part.size).keys()])
          .toArray()
          .map(([first]) => first),
      ).toEqual([...part.positions!]);
    }
  });

  it('refuses a file of more or fewer rows than the source, with both counts', async () => {
    const data = await readTexts(file('u.txt', 'a\n\nb\n'));
    for (const rows of [2, 4]) {
      const teacher = await EmbeddingsTeacher.load(file('u.npy', counting(rows)));
      expect(() => teacher.check(data)).toThrow(failure('DATA_MISMATCH', 'expected 3 rows'));
      await expect(teacher.embed(['a'], { samples: { data, numbers: [0] } })).rejects.toThrow(
        failure('DATA_MISMATCH', `got ${rows}.`),
      );
    }
    const three = await EmbeddingsTeacher.load(file('v.npy', counting(3)));
    three.check(data);
    expect(() => three.check(textDataset({ texts: ['a', 'b'] }))).toThrow(failure('DATA_MISMATCH', 'expected 2 rows'));
    three.check(await readTexts(file('u.txt', 'a\n\nb\n'), { limit: 1 }));
    const beyond = textDataset({ texts: ['a'], positions: Int32Array.of(3) });
    expect(() => three.check(beyond)).toThrow(failure('DATA_MISMATCH', 'expected at least 4 rows'));
  });

  it('cannot embed inputs that come from nowhere, and stops on request', async () => {
    const data = textDataset({ texts: ['a', 'b'] });
    const teacher = await EmbeddingsTeacher.load(file('w.npy', counting(2)));
    await expect(teacher.embed(['a'])).rejects.toThrow(failure('INVALID_ARGUMENT', '{ samples: { data, numbers } }'));
    await expect(teacher.embed(['a'], { samples: { data, numbers: [0, 1] } })).rejects.toThrow(
      failure('SHAPE_MISMATCH', 'one number for each of 1 inputs, got 2'),
    );
    await expect(teacher.embed(['a'], { samples: { data, numbers: [2] } })).rejects.toThrow(
      failure('INVALID_ARGUMENT', '0 … 1, got 2'),
    );
    const signal = AbortSignal.abort();
    await expect(teacher.embed(['a'], { samples: { data, numbers: [0] }, signal })).rejects.toThrow(
      failure('ABORTED', 'interrupted'),
    );
  });

  it('has a fingerprint of bytes and options', async () => {
    const path = file('f.npy', counting(2));
    const one = await EmbeddingsTeacher.load(path, { name: 'mine' });
    expect(one.name).toBe('mine');
    expect((await EmbeddingsTeacher.load(file('g.npy', counting(2)))).fingerprint).toBe(one.fingerprint);
    expect((await EmbeddingsTeacher.load(file('g.npy', counting(3)))).fingerprint).not.toBe(one.fingerprint);
    const parquet = (column: string) => EmbeddingsTeacher.load(fixture('zstd.parquet'), { column });
    expect((await parquet('fixed')).fingerprint).not.toBe((await parquet('halves')).fingerprint);
    await expect(EmbeddingsTeacher.load(path, { allign: 'id' } as object)).rejects.toThrow(
      failure('INVALID_OPTION', 'Did you mean align?'),
    );
  });
});

describe('EmbeddingsTeacher by id', () => {
  const rows = file('r.jsonl', ['c', 'a', 7, 'b'].map((id, i) => JSON.stringify({ id, embedding: [i] })).join('\n'));

  it('answers by id, whatever the order', async () => {
    const teacher = await EmbeddingsTeacher.load(rows, { align: 'id' });
    const data = textDataset({ texts: ['x', 'y', 'z'], ids: ['b', '7', 'c'] });
    const numbers = [0, 1, 2, 0];
    const answer = await teacher.embed(['x', 'y', 'z', 'x'], { samples: { data, numbers } });
    expect(answer.toArray()).toEqual([[3], [2], [0], [3]]);
  });

  it('names the ids that have no row', async () => {
    const teacher = await EmbeddingsTeacher.load(rows, { align: 'id' });
    const ids = ['a', 'q1', 'q2', 'q3', 'q4'];
    expect(() => teacher.check(textDataset({ texts: ids, ids }))).toThrow(
      failure('DATA_MISMATCH', 'got none for 4 of 5: "q1", "q2", "q3", …'),
    );
    expect(() => teacher.check(textDataset({ texts: ['a'] }))).toThrow(
      failure('DATA_MISMATCH', 'Read the data with idColumn'),
    );
    await expect(EmbeddingsTeacher.load(rows, { align: 'id', idColumn: 'ident' })).rejects.toThrow(
      failure('INVALID_OPTION', 'expected a column "ident", got "id", "embedding"'),
    );
    await expect(EmbeddingsTeacher.load(file('x.npy', counting(2)), { align: 'id' })).rejects.toThrow(
      failure('INVALID_OPTION', 'which has no columns'),
    );
  });
});

describe('EmbeddingsTeacher and the cache', () => {
  it('the same texts in other places have other rows, also inside an ensemble', async () => {
    // "a" and "b" stand in rows 0 and 1, then in rows 1 and 2, of three.
    const early = await readTexts(file('early.txt', 'a\nb\n\n'));
    const late = await readTexts(file('late.txt', '\na\nb\n'));
    expect(late.fingerprint).toBe(early.fingerprint);
    const rows = Matrix.from([
      [1, 0],
      [0, 1],
      [-1, 0],
    ]);
    const own = await EmbeddingsTeacher.load(file('places.npy', writeNpy(rows)));
    const directory = file('cache', '');
    rmSync(directory);
    for (const teacher of [own, new EnsembleTeacher([own])]) {
      for (const [data, first] of [
        [early, 0],
        [late, 1],
        [early, 0],
      ] as const) {
        const { embeddings } = await cacheTeacherRows({ teacher, data, directory });
        expect(embeddings.toMatrix().toArray()).toEqual(rows.gather([first, first + 1]).toArray());
        embeddings.release();
      }
    }
    expect(own.rowsOf(late).fingerprint).not.toBe(own.rowsOf(early).fingerprint);
  });

  it('ids count as places do', async () => {
    const teacher = await EmbeddingsTeacher.load(
      file('ids.jsonl', '{"id":"x","embedding":[1,0]}\n{"id":"y","embedding":[0,1]}\n'),
      { align: 'id' },
    );
    const texts = ['a', 'b'];
    const [one, other] = [
      ['x', 'y'],
      ['y', 'x'],
    ].map((ids) => textDataset({ texts, ids }));
    expect(teacher.fingerprintFor(one)).not.toBe(teacher.fingerprintFor(other));
    expect(teacher.fingerprintFor(one)).toBe(teacher.fingerprintFor(textDataset({ texts, ids: ['x', 'y'] })));
  });
});
