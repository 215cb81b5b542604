/** The layout of help in wide and narrow terminals. */
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { helpLayout } from '../../src/cli/help.ts';

const WORDS = 'a model id of the Hugging Face hub, or a directory; for texts; needs an npm package';
function command(): Command {
  return new Command('limbeck')
    .description(WORDS)
    .option('--teacher-transformers <id>', WORDS)
    .option('--epochs <n>', 'passes over the data', '10')
    .option('--force');
}
const help = (columns: number | undefined) => command().configureHelp(helpLayout(columns)).helpInformation();

describe('help', () => {
  it.each([30, 40, 46, 60, 79])('fits in %i columns, every word of it there', (columns) => {
    const text = help(columns);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
    expect(text.replace(/\s+/g, ' ')).toContain(WORDS);
    expect(text).toContain('--force');
  });

  it("is commander's own where there is room, and at most 100 columns wide", () => {
    const own = (columns: number) => command().configureHelp({ helpWidth: columns }).helpInformation();
    for (const columns of [80, 100]) expect(help(columns)).toBe(own(columns));
    expect(help(undefined)).toBe(own(80));
    expect(help(300)).toBe(own(100));
  });
});
