/** Every JavaScript example of the README runs and prints what it says. */
import { expect, it } from 'vitest';
import { examplesOf, runExample } from './run-example.ts';

const examples = await examplesOf('README.md');

it('has the three examples', () => expect(examples.length).toBe(3));

it('the loss in your own loop', async () => {
  const [loss, gradient, more] = await runExample(examples[0]);
  expect(loss).toBe('0.753022');
  expect(gradient).toMatch(/0\.2172\d*, -0\.1629/);
  expect(more).toBe('true');
});

it('a student on your own texts', async () => expect(await runExample(examples[1])).toEqual(['3']));

it('a loss of your own', async () => {
  expect((await runExample(examples[2])).join(' ')).toMatch(/^4 Float32Array\(2\) \[ 2, 2 \]/);
});
