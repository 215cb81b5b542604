/** KeyQueue: the last rows in the order of their coming, each sample once, those of the batch left out. */
import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { unitRows } from '../../src/matrix/unit-rows.ts';
import type { BankQuery, BankUpdate } from '../../src/negatives/key-bank.ts';
import { KeyQueue } from '../../src/negatives/key-queue.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { caught } from '../caught.ts';
import { expectNear, randomMatrix } from '../strategies/support.ts';

/** Unit rows at whole degrees. */
const at = (...degrees: number[]) =>
  unitRows(Matrix.from(degrees.map((d) => [Math.cos((d * Math.PI) / 180), Math.sin((d * Math.PI) / 180)])), 'rows');
const update = (degrees: number[], rest: Partial<BankUpdate> = {}): BankUpdate => ({
  student: at(...degrees),
  teacher: at(...degrees),
  ...rest,
});
/** The degrees of the rows that a batch sees, in order. */
function seen(queue: KeyQueue, query: Partial<BankQuery> = {}): number[] {
  const view = queue.view('student', { anchors: 1, ...query });
  if (!view) return [];
  const rows = view.rows('float32');
  expect(rows.rows).toBe(view.size);
  return Array.from({ length: view.size }, (_, k) =>
    Math.round((Math.atan2(rows.get(k, 1), rows.get(k, 0)) * 180) / Math.PI),
  ).sort((a, b) => a - b);
}

describe('KeyQueue', () => {
  it('begins empty, holds the last rows, and lets the oldest leave first', () => {
    const queue = new KeyQueue({ capacity: 4, dimension: 2 });
    expect([queue.size, seen(queue)]).toEqual([0, []]);
    expect(queue.view('student', { anchors: 1 })).toBeUndefined();
    queue.takeIn(update([10, 20, 30]));
    expect([queue.size, seen(queue)]).toEqual([3, [10, 20, 30]]);
    queue.takeIn(update([40, 50]));
    expect([queue.size, seen(queue)]).toEqual([4, [20, 30, 40, 50]]);
    // More than it can hold at once: the last.
    queue.takeIn(update([1, 2, 3, 4, 5, 6]));
    expect([queue.size, seen(queue)]).toEqual([4, [3, 4, 5, 6]]);
    expect(queue.view('teacher', { anchors: 1 })).toBeUndefined();
  });

  it('holds each sample once, known by its number or by its row', () => {
    const queue = new KeyQueue({ capacity: 5, dimension: 2 });
    queue.takeIn(update([10, 20, 30], { sampleIds: Int32Array.of(1, 2, 3) }));
    queue.takeIn(update([25], { sampleIds: Int32Array.of(2) })); // sample 2 moved
    expect(seen(queue)).toEqual([10, 25, 30]);
    queue.takeIn(update([30], { sampleIds: Int32Array.of(9) })); // the same row under another number
    expect(seen(queue)).toEqual([10, 25, 30]);
    expect(seen(queue, { sampleIds: Int32Array.of(3) })).toEqual([10, 25, 30]); // number 3 has left
    expect(seen(queue, { sampleIds: Int32Array.of(9) })).toEqual([10, 25]);
    queue.takeIn(update([40, 40])); // twice in one batch
    expect(seen(queue)).toEqual([25, 30, 40]); // 10 is no more among the last five that came
  });

  it('at random: of the last rows that came, those that no later one replaced', () => {
    const random = new Random(2);
    const queue = new KeyQueue({ capacity: 7, dimension: 2 });
    const came: { sample: number; degree: number }[] = [];
    for (let step = 0; step < 200; step++) {
      const numbered = random.integer(2) === 0;
      const rows = Array.from({ length: 1 + random.integer(4) }, () => ({
        sample: numbered ? random.integer(9) : -1,
        degree: 10 * random.integer(12),
      }));
      const batch = {
        degrees: rows.map(({ degree }) => degree),
        sampleIds: numbered ? Int32Array.from(rows, ({ sample }) => sample) : undefined,
      };
      const same = (a: (typeof came)[0], b: (typeof came)[0]) =>
        a.degree === b.degree || (a.sample >= 0 && a.sample === b.sample);
      const last = came.slice(-7);
      const held = last.filter((entry, i) => !last.slice(i + 1).some((later) => same(entry, later)));
      const sorted = (entries: typeof came) => entries.map(({ degree }) => degree).sort((a, b) => a - b);
      expect(seen(queue)).toEqual(sorted(held));
      expect(queue.size).toBe(held.length);
      const query = { anchors: rows.length, teacher: at(...batch.degrees), sampleIds: batch.sampleIds };
      expect(seen(queue, query)).toEqual(sorted(held.filter((entry) => !rows.some((row) => same(entry, row)))));
      queue.takeIn(update(batch.degrees, { sampleIds: batch.sampleIds }));
      came.push(...rows);
    }
  });

  it('leaves out the entries of the batch at hand', () => {
    const queue = new KeyQueue({ capacity: 8, dimension: 2 });
    queue.takeIn(update([10, 20, 30, 40], { sampleIds: Int32Array.of(1, 2, 3, 4) }));
    queue.takeIn(update([50, 60]));
    expect(seen(queue, { anchors: 2, sampleIds: Int32Array.of(2, 7) })).toEqual([10, 30, 40, 50, 60]);
    expect(seen(queue, { anchors: 2, teacher: at(50, 30) })).toEqual([10, 20, 40, 60]);
    expect(seen(queue, { anchors: 2, teacher: at(50, 70), sampleIds: Int32Array.of(1, 8) })).toEqual([20, 30, 40, 60]);
    // Rows of another width are not in its space.
    expect(seen(queue, { anchors: 1, teacher: Matrix.from([[1, 0, 0]]) })).toEqual([10, 20, 30, 40, 50, 60]);
    const all = { anchors: 6, teacher: at(10, 20, 30, 40, 50, 60) };
    expect(queue.view('student', all)).toBeUndefined();
    const view = queue.view('student', { anchors: 2, teacher: at(50, 30) });
    expect([view?.holdsPositives, view?.rowOfAnchor, view?.groups]).toEqual([false, Int32Array.of(-1, -1), undefined]);
  });

  it('zero rows have no direction: they are nobody’s sample, and each is an entry', () => {
    const queue = new KeyQueue({ capacity: 8, dimension: 2 });
    const rows = Matrix.zeros(3, 2);
    rows.row(2).set([1, 0]);
    queue.takeIn({ student: rows, teacher: rows });
    expect(queue.size).toBe(3);
    expect(queue.view('student', { anchors: 1, teacher: Matrix.zeros(1, 2) })?.size).toBe(3);
    queue.takeIn({ student: rows, teacher: rows, sampleIds: Int32Array.of(1, 2, 3) });
    expect(queue.size).toBe(5);
    expect(queue.view('student', { anchors: 1, sampleIds: Int32Array.of(2) })?.size).toBe(4);
  });

  it('has labels once any batch had some: −1 for entries without', () => {
    const queue = new KeyQueue({ capacity: 4, dimension: 2 });
    queue.takeIn(update([10, 20]));
    expect(queue.view('student', { anchors: 1 })?.labels).toBeUndefined();
    queue.takeIn(update([30, 40, 50], { classIndices: Int32Array.of(5, 0, 7) }));
    const view = queue.view('student', { anchors: 1, teacher: at(40) });
    expect([...(view?.labels ?? [])].sort((a, b) => a - b)).toEqual([-1, 5, 7]);
  });

  it('a state brought back goes on alike; copies, and refused for another size', () => {
    const random = new Random(5);
    const queue = new KeyQueue({ capacity: 6, dimension: 2 });
    const batch = () => {
      const ids = random.sample(12, 4);
      return update(
        Array.from(ids, (id) => 10 * id + random.integer(2)),
        { sampleIds: ids, classIndices: ids },
      );
    };
    for (let step = 0; step < 5; step++) queue.takeIn(batch());
    const state = queue.state();
    const copy = new KeyQueue({ capacity: 6, dimension: 2 });
    copy.takeIn(batch());
    copy.restore(state);
    for (let step = 0; step < 20; step++) {
      const next = batch();
      const query = { anchors: 4, sampleIds: next.sampleIds };
      expect(seen(copy, query)).toEqual(seen(queue, query));
      expect(copy.view('student', query)?.labels).toEqual(queue.view('student', query)?.labels);
      for (const one of [queue, copy]) one.takeIn(next);
      expect(copy.state()).toEqual(queue.state());
    }
    copy.restore(state);
    expect(copy.state()).toEqual(state);
    const other = caught(() => new KeyQueue({ capacity: 5, dimension: 2 }).restore(state));
    expect([other.code, other.message]).toEqual(['SHAPE_MISMATCH', expect.stringMatching(/KeyQueue.*queue rows/)]);
  });

  it('refuses what is no queue, and rows of another width', () => {
    expect(caught(() => new KeyQueue({ capacity: 0, dimension: 2 })).message).toMatch(/capacity.*≥ 1, got 0/);
    expect(caught(() => new KeyQueue({ capacity: 1, dimension: 1.5 })).message).toMatch(/dimension.*1\.5/);
    const wide = caught(() => new KeyQueue({ capacity: 2, dimension: 3 }).takeIn(update([10])));
    expect([wide.code, wide.message]).toEqual(['SHAPE_MISMATCH', expect.stringMatching(/width 3, got 2/)]);
  });
});

describe('in a strategy', () => {
  const random = new Random(8);
  const [first, second] = [0, 1].map(() => ({
    student: randomMatrix(random, 5, 3),
    teacher: randomMatrix(random, 5, 3),
  }));
  const make = (options: object = {}) => {
    const strategy = new ContrastiveDistillationStrategy({ contrastiveWeight: 1, temperature: 0.3, ...options });
    strategy.bank = new KeyQueue({ capacity: 9, dimension: 3 });
    return strategy;
  };
  const loss = (strategy: ContrastiveDistillationStrategy, { student, teacher }: typeof first) =>
    strategy.computeContrastiveLoss(student, teacher);

  it.each(['float32', 'float64'] as const)(
    '%s: the batch that it holds is not contrasted with itself',
    async (dtype) => {
      const strategy = make();
      const batch = { student: first.student.as(dtype), teacher: first.teacher.as(dtype) };
      const alone = await loss(strategy, batch);
      await strategy.updateBank(batch.student, batch.teacher);
      expect(await loss(strategy, batch)).toBe(alone);
      // In another batch its rows are negatives like those of a bank.
      const banked = new ContrastiveDistillationStrategy({ contrastiveWeight: 1, temperature: 0.3 });
      banked.bank = new TeacherBank(first.teacher.as('float32'));
      expectNear(await loss(strategy, second), await loss(banked, second), 1e-6);
      expect(await loss(strategy, second)).toBeGreaterThan(1.01 * alone);
      await strategy.release();
      await banked.release();
    },
  );

  it('rows that a head projects are known by number alone', async () => {
    const strategy = make({ projection: 'both', projectionDimension: 3 });
    const alone = await loss(strategy, first);
    await strategy.updateBank(first.student, first.teacher, undefined, { sampleIds: Int32Array.of(0, 1, 2, 3, 4) });
    expect(await loss(strategy, first)).toBeGreaterThan(alone);
    const sampleIds = Int32Array.of(0, 1, 2, 3, 4);
    expect(await strategy.computeContrastiveLoss(first.student, first.teacher, undefined, { sampleIds })).toBe(alone);
    await strategy.release();
  });
});
