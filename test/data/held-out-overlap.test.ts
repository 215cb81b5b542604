import { expect, it } from 'vitest';
import { assertNoOverlap } from '../../src/data/held-out-overlap.ts';
import { textDataset } from '../../src/data/text-dataset.ts';

const data = (texts: readonly string[], more = {}) => textDataset({ texts, ...more });

it('no overlap passes, of nothing too', async () => {
  await assertNoOverlap({ training: data(['a dog', 'a cat']), heldOut: data(['a dogs', 'cat']) });
  await assertNoOverlap({ training: data([]), heldOut: data([]) });
});

it('names exact and folded overlaps with their places', async () => {
  const training = data(['x', 'a dog', 'A  Dog ', 'Cafe\u0301'], { positions: Int32Array.of(0, 4, 7, 9) });
  const heldOut = data(['y', 'a dog', 'caf\u00e9'], { ids: ['p', 'q', 'r'] });
  await expect(
    assertNoOverlap({ training, heldOut, names: { training: 'train.txt', heldOut: 'test.txt' } }),
  ).rejects.toMatchObject({
    code: 'DATA_OVERLAP',
    details: { exact: 1, folded: 2 },
    message: expect.stringMatching(
      /got 3 training .*1 as they are, 2 but for case.*"a dog" \(train\.txt 4, test\.txt "q"\); "A {2}Dog " \(train\.txt 7, test\.txt "q"\); "Cafe\u0301" \(train\.txt 9, test\.txt "r"\)\. Take/,
    ),
  });
});

it('names a few of many, over more than one block', async () => {
  const many = Array.from({ length: 9000 }, (_, i) => `text ${i}`);
  const error = await assertNoOverlap({ training: data(many), heldOut: data(many.slice(4000)) }).catch((e) => e);
  expect(error.details).toEqual({ exact: 5000, folded: 0 });
  expect(error.message).toContain('"text 4000" (training 4000, held-out 0)');
  expect(error.message).toContain('; …. Take');
  expect(error.message.length).toBeLessThan(700);
});
