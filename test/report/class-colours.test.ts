import { describe, expect, test } from 'vitest';
import { classColours } from '../../src/report/class-colours.ts';

/** `counts[i]` samples of class i. */
const labels = (counts: readonly number[]) => counts.flatMap((count, label) => Array<number>(count).fill(label));

describe('classColours', () => {
  test('the seven largest get a colour each, the rest share one a family', () => {
    const names = ['noun.act', 'noun.body', 'verb.body', 'verb.change', 'adj.all', 'noun.food', 'noun.time', 'noun.shape', 'noun.tiny', 'verb.weather', 'adv.all', 'noun.never']; // biome-ignore format: one line
    const keys = classColours(labels([20, 19, 18, 17, 16, 15, 14, 3, 2, 4, 1, 0]), names);
    expect(keys.map((key) => [key.label, key.count])).toEqual([
      ['noun.act', 20],
      ['noun.body', 19],
      ['verb.body', 18],
      ['verb.change', 17],
      ['adj.all', 16],
      ['noun.food', 15],
      ['noun.time', 14],
      ['other nouns (2 classes)', 5],
      ['verb.weather', 4],
      ['adv.all', 1],
    ]);
    expect(new Set(keys.map((key) => key.colour)).size).toBe(10);
    expect(keys[7].classes).toEqual(new Set([7, 8]));
  });

  test('every class that occurs is in exactly one entry, with 45 classes and with more families than colours', () => {
    const names = Array.from({ length: 45 }, (_, i) => `${'abcdef'[i % 6]}.${i}`);
    const all = labels(names.map((_, i) => 1 + (i % 9)));
    const keys = classColours(all, names);
    expect(keys.length).toBe(10);
    const covered = keys.flatMap((key) => [...key.classes]).sort((a, b) => a - b);
    expect(covered).toEqual(names.map((_, i) => i));
    expect(keys.reduce((sum, key) => sum + key.count, 0)).toBe(all.length);
    expect(keys[9].label).toMatch(/^other \(\d+ classes\)$/);
  });

  test('one class, a class without a name, names without a dot', () => {
    expect(classColours([0, 0], ['only']).map((key) => key.label)).toEqual(['only']);
    expect(classColours([3], []).map((key) => key.label)).toEqual(['class 3']);
    const keys = classColours(labels(Array(9).fill(1)), [...'abcdefghi']);
    expect(keys.at(-1)).toMatchObject({ label: 'other (2 classes)', count: 2 });
  });
});
