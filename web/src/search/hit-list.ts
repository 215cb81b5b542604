/** A list of hits: texts with a bar for each cosine. */
import { element } from '../dom.ts';
import { shortened } from '../format.ts';
import type { TextHit } from './search-tasks.ts';

/** @param shared rows that the other list has too; they are marked in words, not in colour alone */
export function hitList(hits: readonly TextHit[], shared: ReadonlySet<number> = new Set()): HTMLElement {
  return element(
    'ol',
    { class: 'hits' },
    ...hits.map(({ row, text, score }) =>
      element(
        'li',
        { class: shared.has(row) ? 'shared' : undefined },
        element('span', { class: 'hit-text' }, shortened(text)),
        element(
          'span',
          { class: 'hit-score' },
          element('meter', { min: 0, max: 1, value: Math.max(0, Math.min(1, score)), 'aria-hidden': 'true' }),
          element('span', {}, element('span', { class: 'unseen' }, 'cosine '), score.toFixed(3)),
          shared.has(row) && element('span', { class: 'mark' }, 'in both'),
        ),
      ),
    ),
  );
}
