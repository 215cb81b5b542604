import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import type { MetricDescription } from '../../src/evaluation/metrics.ts';
import type { MethodSummary } from '../../src/report/comparison-summary.ts';
import { intervalPlot } from '../../src/report/interval-plot.ts';

/** As wide as a letter of the picture's font is at most. */
const LETTER = 8;

const metric = { key: 'recallAt1', label: 'R@1', unit: 'share', better: 'higher' } as MetricDescription;

/** Ticks of the axis of differences, from left to right, with the places of their middles in pixels. */
function ticks(name: string, means: readonly number[]): { text: string; x: number }[] {
  const { document } = parseHTML('<!doctype html><html></html>');
  const methods = means.map((mean, i) => ({
    name: `${name}${i}`,
    differences: { recallAt1: { mean, low: mean - 0.001, high: mean + 0.001, outcome: 'worse' } },
  }));
  const panel = intervalPlot(metric, methods as unknown as MethodSummary[], 'cosine', document);
  const { document: drawn } = parseHTML(`<html><body>${panel?.text}</body></html>`);
  return [...drawn.querySelectorAll('[data-mark="x-axis tick label"] text')].map((text) => ({
    text: text.textContent,
    x: Number(/translate\(([-\d.]+)/.exec(text.getAttribute('transform') ?? '')?.[1]),
  }));
}

describe('intervalPlot', () => {
  it.each([
    ['untrained', [-0.142, -0.03, -0.006]],
    ['untrained', [-0.279, -0.11]],
    ['a', [0.0004, 0.0011]],
    ['similarity-preserving', [-0.612, 0.281]],
    ['cosine', [0]],
  ] as const)('%s, %j: numbers below the axis do not run into each other, 0 is among them', (name, means) => {
    const found = ticks(name, means);
    expect(found.map(({ text }) => text)).toContain('0');
    for (const [i, { text, x }] of found.entries()) {
      if (i === 0) continue;
      const room = ((text.length + found[i - 1].text.length) / 2) * LETTER;
      expect(x - found[i - 1].x, `${found[i - 1].text} and ${text}`).toBeGreaterThan(room);
    }
  });
});
