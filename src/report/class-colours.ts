/**
 * Which classes get a colour of their own on a map. Nobody tells 45 colours apart: the largest classes get one each, and
 * the rest share one for each family, the part of the name before the dot ("noun" in "noun.act").
 */

/** One entry of the legend: a class, or the remaining classes of a family. */
export interface ColourKey {
  readonly label: string;
  /** The name of a CSS custom property, so that light and dark pages have their own shades. */
  readonly colour: string;
  readonly classes: ReadonlySet<number>;
  /** How many samples it covers. */
  readonly count: number;
}

const OWN_COLOURS = 7;
const FAMILY_COLOURS = 3;

/**
 * The legend for these labels: the largest classes first, then the families of the rest. Every class that occurs is in
 * exactly one entry; a class that occurs nowhere is in none.
 *
 * @param labels a class number for each sample
 * @param classNames the name of class i at place i
 */
export function classColours(labels: ArrayLike<number>, classNames: readonly string[]): ColourKey[] {
  const counts = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) counts.set(labels[i], (counts.get(labels[i]) ?? 0) + 1);
  const bySize = [...counts].sort(([labelA, a], [labelB, b]) => b - a || labelA - labelB);
  const own = bySize.slice(0, OWN_COLOURS).map(([label, count], i) => ({
    label: nameOf(label, classNames),
    colour: `--class-${i}`,
    classes: new Set([label]),
    count,
  }));
  const rest = bySize.slice(OWN_COLOURS);
  return [...own, ...families(rest, classNames, new Set(own.map((key) => family(key.label))))];
}

function families(rest: [number, number][], names: readonly string[], shown: ReadonlySet<string>): ColourKey[] {
  const groups = new Map<string, { labels: number[]; count: number }>();
  for (const [label, count] of rest) {
    const key = family(nameOf(label, names));
    const group = groups.get(key) ?? { labels: [], count: 0 };
    groups.set(key, { labels: [...group.labels, label], count: group.count + count });
  }
  const sorted = [...groups].sort(([, a], [, b]) => b.count - a.count);
  const kept = sorted.slice(0, sorted.length > FAMILY_COLOURS ? FAMILY_COLOURS - 1 : FAMILY_COLOURS);
  const folded = sorted.slice(kept.length);
  if (folded.length > 0) {
    const labels = folded.flatMap(([, group]) => group.labels);
    kept.push(['', { labels, count: folded.reduce((sum, [, group]) => sum + group.count, 0) }]);
  }
  return kept.map(([key, { labels, count }], i) => ({
    label: labels.length === 1 ? nameOf(labels[0], names) : familyLabel(key, labels.length, shown.has(key)),
    colour: `--family-${i}`,
    classes: new Set(labels),
    count,
  }));
}

function familyLabel(key: string, size: number, someShown: boolean): string {
  if (key === '') return `other (${size} classes)`;
  return `${someShown ? 'other ' : ''}${key}s (${size} classes)`;
}

/** The part before the first dot; the empty string for a name without one. */
function family(name: string): string {
  return name.includes('.') ? name.slice(0, name.indexOf('.')) : '';
}

function nameOf(label: number, names: readonly string[]): string {
  return names[label] ?? `class ${label}`;
}
