/** From a file to a comparison: read, checked, and every run of it worked out, before anything is loaded. */
import { basename, dirname, extname, join, resolve } from 'node:path';
import { METRICS } from '../evaluation/metrics.ts';
import { closestName } from '../nearest-names.ts';
import { readText } from '../runtime/read-files.ts';
import type { TestRequest } from './build-data.ts';
import { type ConfigPath, type ConfigProblem, checkSection, isObject } from './check-config.ts';
import { builtInMethod, METHOD_NAMES } from './compare-methods.ts';
import { type ComparedRun, runsOf } from './compare-runs.ts';
import { compareSchema, NAMED_SECTIONS, type ParsedComparison } from './compare-schema.ts';
import { teachersOf } from './complete-config.ts';
import { type ConfigText, parseConfigText } from './config-text.ts';
import { applyOverrides, type Override } from './overrides.ts';
import { refuse } from './refuse-config.ts';
import { sectionOf } from './schema-tree.ts';

export interface Comparison {
  readonly name: string;
  /** As the file says it, with defaults and with paths as they were written. */
  readonly parsed: ParsedComparison;
  /** Paths are absolute. */
  readonly directory: string;
  readonly test: TestRequest;
  readonly baseline: string;
  readonly seeds: readonly number[];
  /** Seed by seed, so that pairs are complete early; inside a seed by student, then by method, in the order of the file. */
  readonly runs: readonly ComparedRun[];
}

export interface CompareSource {
  readonly file: string;
  readonly overrides?: readonly Override[];
  /** Instead of the file's; seen from the working directory. */
  readonly out?: string | undefined;
}

const root = sectionOf(compareSchema);

/**
 * @throws LimbeckError INVALID_OPTION naming everything that is wrong, each with file and line or with its flag; FILE_UNREADABLE, NOT_TEXT
 *
 * @example
 * const { runs } = await readComparison({ file: 'compare.yaml' });
 */
export async function readComparison(source: CompareSource): Promise<Comparison> {
  const text = await readText(source.file, 'the configuration of a comparison');
  return parseComparison(parseConfigText(text, source.file, NAMED_SECTIONS), source);
}

/** {@link readComparison} of a text that was read. */
export function parseComparison(text: ConfigText, { file, overrides = [], out }: CompareSource): Comparison {
  const fail = (problems: readonly ConfigProblem[]): void => refuse(problems, { text, file, overrides, root });
  const given = applyOverrides(root, withNamedMethods(text.value), overrides);
  const unequal = unequalKeys(given);
  fail([...unequal, ...checkSection(root, given).filter(({ path }) => !unequal.some((one) => same(one.path, path)))]);
  const result = compareSchema.safeParse(given);
  if (!result.success) {
    fail(result.error.issues.map(({ path, message }) => ({ path: path as ConfigPath, key: false, message })));
    throw result.error;
  }
  const parsed: ParsedComparison = { ...result.data, methods: (given as Pick<ParsedComparison, 'methods'>).methods };
  const name = parsed.name ?? basename(file, extname(file));
  const seeds = typeof parsed.seeds === 'number' ? Array.from({ length: parsed.seeds }, (_, i) => i) : parsed.seeds;
  const baseline = parsed.baseline ?? defaultBaseline(Object.keys(parsed.methods));
  fail(nameProblems(parsed, seeds, baseline));
  const base = dirname(resolve(file));
  const directory = out === undefined ? resolve(base, parsed.output.directory ?? join('runs', name)) : resolve(out);
  const { runs, problems } = runsOf(given as Record<string, unknown>, { parsed, name, seeds, base, directory });
  fail(problems);
  const { file: testFile, ...test } = parsed.test;
  return {
    ...{ name, parsed, directory, baseline, seeds, runs },
    test: {
      ...test,
      ...(testFile !== undefined && { file: resolve(base, testFile) }),
      ...(test.labels !== undefined && { labels: resolve(base, test.labels) }),
    },
  };
}

/** Methods in a list as methods by name: each entry is a name, or a name with what it is. */
function withNamedMethods(value: unknown): unknown {
  if (!isObject(value) || !Array.isArray(value.methods)) return value;
  const entries = value.methods.flatMap((entry): [unknown, unknown][] =>
    isObject(entry) ? Object.entries(entry) : [[entry, {}]],
  );
  // What is neither stays a list, for the checker to refuse.
  if (entries.some(([name]) => typeof name !== 'string')) return value;
  return { ...value, methods: Object.fromEntries(entries as [string, unknown][]) };
}

/** Keys of a run that a comparison does without, each with the reason. */
const UNEQUAL: readonly (readonly [ConfigPath, string])[] = [
  [['strategy'], 'expected in methods, one for each method. Name it there'],
  [['student'], 'expected in students, by name. Name it there'],
  [['training', 'seed'], 'expected in seeds, the same for every method. Put it there'],
  [
    ['training', 'earlyStopping'],
    'expected nothing: comparisons report the last step of equally long runs, never a best one. Remove it',
  ],
  [
    ['training', 'validation'],
    'expected nothing: runs of a comparison are measured once, at their end. Remove it; measureOn says on what',
  ],
  [
    ['training', 'checkpoint', 'best'],
    'expected nothing: comparisons report the last step, never a best one. Remove it',
  ],
];

function unequalKeys(value: unknown): ConfigProblem[] {
  const valueAt = (path: ConfigPath) =>
    path.reduce<unknown>((at, key) => (isObject(at) ? at[String(key)] : undefined), value);
  const ofMethods = isObject(value) && isObject(value.methods) ? Object.keys(value.methods) : [];
  return UNEQUAL.flatMap(([path, message]) =>
    [path, ...ofMethods.map((method) => (path[0] === 'training' ? ['methods', method, ...path] : []))]
      .filter((place) => place.length > 0 && valueAt(place) !== undefined)
      .map((place) => ({ path: place, key: true, message })),
  );
}

const same = (a: ConfigPath, b: ConfigPath): boolean => a.length === b.length && a.every((key, i) => key === b[i]);

/** What is hard to beat; else what is trained. */
function defaultBaseline(methods: readonly string[]): string {
  return methods.includes('cosine') ? 'cosine' : (methods.find((name) => name !== 'untrained') ?? '');
}

function nameProblems(
  { methods, students, metrics = [], measureOn, data, test, teacher }: ParsedComparison,
  seeds: readonly number[],
  baseline: string,
): ConfigProblem[] {
  const found: ConfigProblem[] = [];
  const wrong = (path: ConfigPath, message: string) => found.push({ path, key: false, message });
  const known = (path: ConfigPath, name: string, names: readonly string[], what: string) => {
    if (names.includes(name)) return;
    const near = closestName(name, names);
    wrong(path, `expected ${what}: ${names.join(', ')}, got ${name}${near ? `. Did you mean ${near}?` : ''}`);
  };
  if (Object.keys(students).length === 0) wrong(['students'], 'expected at least one student, got none');
  if (new Set(seeds).size < seeds.length) wrong(['seeds'], 'expected every seed once');
  if (!Object.keys(methods).some((name) => (methods[name].method ?? name) !== 'untrained')) {
    wrong(['methods'], 'expected at least one method that trains, got none');
  } else known(['baseline'], baseline, Object.keys(methods), 'the name of a method');
  for (const [name, { students: some = [], method, strategy, sum, training }] of Object.entries(methods)) {
    for (const [i, student] of some.entries()) {
      known(['methods', name, 'students', i], student, Object.keys(students), 'the name of a student');
    }
    const begins = method ?? (builtInMethod(name) ? name : undefined);
    for (const part of Object.keys(sum ?? {})) {
      const inOwnSum = part === name;
      const summable = Object.keys(methods).filter((other) => other !== name && !methods[other].sum);
      const names = [...new Set([...(inOwnSum ? [] : summable), ...METHOD_NAMES])].filter((one) => one !== 'untrained');
      known(['methods', name, 'sum', part], part, names, 'the name of a method that is no sum');
    }
    if (sum && (strategy || method)) {
      wrong(['methods', name], 'expected either sum, or method and strategy, got both');
    } else if (!sum && !strategy && begins === undefined) {
      const near = closestName(name, METHOD_NAMES);
      wrong(
        ['methods', name],
        `expected method, strategy or sum, since no method of this name is built in, got none${near ? `. Did you mean ${near}?` : ''}`,
      );
    }
    if (begins === 'untrained' && !sum && (strategy || training)) {
      wrong(['methods', name], 'expected neither strategy nor training, since the student is not trained');
    }
  }
  for (const [i, metric] of metrics.entries()) {
    known(
      ['metrics', i],
      metric,
      METRICS.map(({ key }) => key),
      'the name of a metric',
    );
  }
  if (test.file !== undefined && teachersOf({ teacher }).some((one) => 'align' in one && one.align === 'order')) {
    wrong(
      ['teacher', 'align'],
      "expected 'id' with test.file, whose samples have no place in the order of the rows, got 'order'",
    );
  }
  if (test.classes === 'other' && test.file === undefined) {
    wrong(
      ['test', 'classes'],
      "expected 'same' without test.file, since a share of the data has its classes, got 'other'",
    );
  }
  if (measureOn === 'validation' && data.validation === 0 && data.validationFile === undefined) {
    wrong(['measureOn'], 'expected data.validation above 0, or data.validationFile, to measure on, got neither');
  }
  return found;
}
