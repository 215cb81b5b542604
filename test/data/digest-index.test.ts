import { expect, it } from 'vitest';
import { DigestIndex, firstOfEqual } from '../../src/data/digest-index.ts';

it('finds what a Map of the keys finds, through all its growth', () => {
  const index = new DigestIndex();
  const map = new Map<string, number>();
  for (let i = 0; i < 20_000; i++) {
    const key = `key ${(i * 7919) % 6007}`;
    if (!map.has(key)) map.set(key, i);
    expect(index.add(key, i)).toBe(map.get(key));
  }
  expect(index.size).toBe(map.size);
  for (const [key, number] of map) expect(index.find(key)).toBe(number);
  expect(index.find('another')).toBe(-1);
});

it('gives the first of equal keys, texts and their bytes being equal; undefined when all differ', () => {
  expect(firstOfEqual(['é', Buffer.from('é'), 'b', 'é'])).toEqual(Int32Array.of(0, 0, 2, 0));
  expect(firstOfEqual(['a', 'b'])).toBeUndefined();
  expect(firstOfEqual([])).toBeUndefined();
});
