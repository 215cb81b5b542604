/**
 * Methods of a comparison that are one method with several values of a number: found in what the runs were configured with, defaults
 * included. Two methods belong together when everything that their training depends on is equal but for one option.
 */
import type { ComparisonRecord, ComparisonResult } from './comparison-record.ts';
import type { JsonValue } from './run-record.ts';

export interface OptionSweep {
  /** "temperature", "optimizer.learningRate", "parts[1].weight": as a configuration has it, without its section. */
  readonly option: string;
  /** By ascending value. */
  readonly methods: readonly { readonly name: string; readonly value: number }[];
}

/** Fewer points are no curve. */
const LEAST_VALUES = 3;

/** In the order in which their first methods stand in the comparison. */
export function optionSweeps(record: ComparisonRecord, results: readonly ComparisonResult[]): OptionSweep[] {
  const byDigest = new Map(results.map((result) => [result.digest, result]));
  const methods = record.methods.flatMap(({ name }) => {
    // The first run that is done: what a method has different is the same for every student and seed.
    const run = record.runs.find(({ method, digest }) => method === name && byDigest.has(digest));
    const leaves = run && leavesOf(byDigest.get(run.digest)?.identity);
    return leaves && leaves.size > 0 ? [{ name, leaves }] : [];
  });
  const groups = new Map<string, { option: string; members: { name: string; value: number }[] }>();
  for (const { name, leaves } of methods) {
    for (const [option, leaf] of leaves) {
      const value = numberOf(leaf);
      if (value === undefined) continue;
      const rest = [...leaves].filter(([other]) => other !== option);
      const key = JSON.stringify([option, rest]);
      const group = groups.get(key) ?? { option, members: [] };
      group.members.push({ name, value });
      groups.set(key, group);
    }
  }
  return [...groups.values()].flatMap(({ option, members }) => {
    // Two methods of one value differ in nothing.
    const distinct = members.filter(({ value }, i) => members.findIndex((other) => other.value === value) === i);
    if (distinct.length < LEAST_VALUES) return [];
    return [{ option, methods: distinct.sort((a, b) => a.value - b.value) }];
  });
}

/** Switched off is none of it, as with `bank: false`. */
function numberOf(leaf: JsonValue): number | undefined {
  if (leaf === false) return 0;
  return typeof leaf === 'number' && leaf >= 0 ? leaf : undefined;
}

/** The options of strategy and training by their paths, in order; empty for a student that is not trained. */
function leavesOf(identity: JsonValue | undefined): Map<string, JsonValue> {
  const { strategy = {}, training = {} } = (identity ?? {}) as Readonly<Record<string, JsonValue | undefined>>;
  const leaves = [...leavesIn(strategy, ''), ...leavesIn(training, '')];
  return new Map(leaves.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function leavesIn(value: JsonValue, path: string): [string, JsonValue][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  if (Array.isArray(value)) return value.flatMap((entry: JsonValue, i) => leavesIn(entry, `${path}[${i}]`));
  return Object.entries(value).flatMap(([key, entry]) => leavesIn(entry, path === '' ? key : `${path}.${key}`));
}
