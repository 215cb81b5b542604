import { describe, expect, it } from 'vitest';
import { Progress } from '../../src/cli/progress.ts';

function sink(isTTY: boolean, columns?: number) {
  const written: string[] = [];
  return { isTTY, columns, written, write: (text: string) => written.push(text) };
}
const CLEAR = '\r\u001b[2K';

describe('Progress', () => {
  it('rewrites one line on a terminal, cut to its width, and leaves the final one, broken between words', () => {
    const terminal = sink(true, 40);
    const progress = new Progress(terminal);
    progress.update('teacher', 'training: 1,024/20,000 rows · 465 texts/s', { done: 0.25, seconds: 10 });
    progress.update('teacher', 'too soon to be shown', { done: 0.26, seconds: 10 });
    progress.finish('teacher', 'training: 20,000 rows of all-MiniLM-L6-v2, 20,000 computed');
    expect(terminal.written).toEqual([
      'teacher  training: 1,024/20,000 rows ·…',
      CLEAR,
      'teacher  training: 20,000 rows of\n         all-MiniLM-L6-v2, 20,000\n         computed\n',
    ]);
    for (const line of terminal.written.flatMap((text) => text.replace(CLEAR, '').split('\n')))
      expect(line.length).toBeLessThan(40);
  });

  it('writes whole lines to a log, without control characters', () => {
    const log = sink(false);
    const progress = new Progress(log);
    progress.update('train', 'epoch 1.0/10', { done: 0.1, seconds: 6 });
    progress.update('train', 'epoch 1.1/10', { done: 0.11, seconds: 6 });
    progress.finish('train', 'x'.repeat(200));
    // A new stage shows at once.
    progress.update('report', 'drawing', { done: 0, seconds: 0 });
    expect(log.written).toEqual([
      'train    epoch 1.0/10 · 54s left\n',
      `train    ${'x'.repeat(200)}\n`,
      'report   drawing\n',
    ]);
  });

  it.each([
    [0.001, 10, ''],
    [0.5, 0.2, ''],
    [0.5, 30, ' · 30s left'],
    [0.1, 10, ' · 1m 30s left'],
    [1, 10, ' · 1s left'],
  ])('share %s done after %s s: "%s"', (done, seconds, left) => {
    const log = sink(false);
    new Progress(log).update('train', 'x', { done, seconds });
    expect(log.written).toEqual([`train    x${left}\n`]);
  });

  it('keeps words that are longer than the terminal whole', () => {
    const terminal = sink(true, 30);
    new Progress(terminal).finish('report', `${'/long'.repeat(10)}/report.html done`);
    expect(terminal.written).toEqual([`report   ${'/long'.repeat(10)}/report.html\n         done\n`]);
  });
});
