/** The known names that a mistyped or missing one most likely means; error messages offer them. */

/**
 * Known names by edit distance (Levenshtein, case ignored), nearest first.
 *
 * @example
 * nearestNames('temprature', ['alpha', 'temperature']); // [{ name: 'temperature', distance: 1 }, { name: 'alpha', distance: 8 }]
 */
export function nearestNames(name: string, known: readonly string[]): { name: string; distance: number }[] {
  return known
    .map((candidate) => ({ name: candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
}

/** The known name that a mistyped one most likely means: at most a third of its letters wrong. */
export function closestName(name: string, known: readonly string[]): string | undefined {
  const [best] = nearestNames(name, known);
  return best && best.distance <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : undefined;
}

/** Of the first 100 characters: a hostile name of a megabyte must not cost a quadratic comparison. */
function editDistance(a: string, b: string): number {
  const [p, q] = [a, b].map((text) => text.slice(0, 100).toLowerCase());
  let row = Array.from({ length: q.length + 1 }, (_, j) => j);
  for (let i = 1; i <= p.length; i++) {
    const next = [i];
    for (let j = 1; j <= q.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (p[i - 1] === q[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[q.length];
}
