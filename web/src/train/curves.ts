/** The curves of a run under way, drawn by the code that draws those of a report. A chunk of its own: it brings the plotting library. */
import type { MetricsLine } from 'limbeck';
import { trainingCurves } from '../../../src/report/training-curves.ts';

/** Puts the figures into a place, drawn anew: they are HTML of our own code, which escapes what it is given. */
export function drawCurves(place: HTMLElement, lines: readonly MetricsLine[]): void {
  place.innerHTML = trainingCurves({ validation: [] }, lines, document)
    .map(({ text }) => text)
    .join('');
}
