/** The runs of a comparison: for every method, student and seed a whole configuration, alike in everything that is not to be compared. */

import { readsOutputs } from './build-strategy.ts';
import type { ConfigPath, ConfigProblem } from './check-config.ts';
import { isObject } from './check-config.ts';
import { builtInMethod } from './compare-methods.ts';
import type { ParsedComparison } from './compare-schema.ts';
import { type RunConfig, strategiesOf } from './complete-config.ts';
import { withAbsolutePaths } from './config-paths.ts';
import { checkRun, withImageStudent } from './read-config.ts';

export interface ComparedRun {
  readonly method: string;
  readonly student: string;
  readonly seed: number;
  /** False: the student stays as it was initialised. */
  readonly trained: boolean;
  /** Paths are absolute; `training.useLabels` is decided. */
  readonly config: RunConfig;
  /** The same with paths as they were written, for records. */
  readonly written: RunConfig;
}

interface Facts {
  readonly parsed: ParsedComparison;
  readonly name: string;
  readonly seeds: readonly number[];
  /** What paths are relative to. */
  readonly base: string;
  readonly directory: string;
}

/** What stands in place of a strategy that is not there. */
type Method = { readonly strategy: Readonly<Record<string, unknown>> | undefined; readonly training: unknown };

/**
 * @param given the comparison as it was written, without defaults, which methods would put over those of the rest
 * @returns the runs; and what of a method, a student and the rest does not go together
 */
export function runsOf(
  given: Record<string, unknown>,
  { parsed, name, seeds, base, directory }: Facts,
): { readonly runs: readonly ComparedRun[]; readonly problems: readonly ConfigProblem[] } {
  const students = given.students as Readonly<Record<string, unknown>>;
  const methods = new Map(Object.keys(parsed.methods).map((method) => [method, methodOf(given, method)]));
  // An untrained student needs a strategy only to be of the same shape as the others.
  const anyStrategy = [...methods.values()].find(({ strategy }) => strategy)?.strategy;
  const problems: ConfigProblem[] = [];
  const runs = seeds.flatMap((seed) =>
    Object.keys(students).flatMap((student) =>
      [...methods].flatMap(([method, { strategy, training }]): ComparedRun[] => {
        if (!(parsed.methods[method].students?.includes(student) ?? true)) return [];
        const { data, teacher, cache } = given;
        const value = withImageStudent({
          ...{ name, data: { validation: parsed.data.validation, ...(data as object) }, teacher, cache },
          ...{ student: students[student], strategy: strategy ?? anyStrategy },
          training: { ...merged(given.training, training), seed },
          output: { directory },
        });
        const { config, problems: found } = checkRun(value, true);
        for (const problem of found) problems.push(placed(problem, { method, student, training }));
        if (!config) return [];
        const useLabels = labelled(config) && (config.training.useLabels ?? readsOutputs(config));
        const written = { ...config, training: { ...config.training, useLabels } };
        const trained = strategy !== undefined;
        return [{ method, student, seed, trained, written, config: withAbsolutePaths(written, base) }];
      }),
    ),
  );
  return { runs, problems };
}

function labelled({ data }: RunConfig): boolean {
  return data.images !== undefined || data.labelColumn !== undefined;
}

/** A method with what it begins with, or the sum of others. */
function methodOf(given: Record<string, unknown>, name: string): Method {
  const methods = given.methods as Readonly<Record<string, Record<string, unknown>>>;
  const { sum, training } = methods[name];
  if (!isObject(sum)) return { strategy: strategyOf(methods, name), training };
  const parts = Object.entries(sum).flatMap(([part, weight]) => {
    // Inside its own sum a name means the method that is built in.
    const strategy = part === name ? builtInMethod(part)?.strategy : strategyOf(methods, part);
    const { parts: inner = [strategy] } = (strategy ?? {}) as { readonly parts?: readonly object[] };
    return inner.map((one) => ({ ...one, weight: (weight as number) * ((one as { weight?: number })?.weight ?? 1) }));
  });
  return { strategy: { kind: 'hybrid', parts }, training };
}

/** Undefined for a method that does not train. */
function strategyOf(
  methods: Readonly<Record<string, Record<string, unknown>>>,
  name: string,
): Readonly<Record<string, unknown>> | undefined {
  const { method = name, strategy } = methods[name] ?? {};
  const begin = builtInMethod(String(method))?.strategy as Readonly<Record<string, unknown>> | undefined;
  if (!isObject(strategy)) return begin;
  const other = strategy.kind !== undefined && strategy.kind !== begin?.kind;
  return other ? strategy : { ...begin, ...strategy };
}

/** Keys of a section with others over them; another optimizer takes nothing over. */
function merged(base: unknown, over: unknown): Record<string, unknown> {
  const [under, on] = [base, over].map((section) => (isObject(section) ? section : {}));
  const [before, now] = [under.optimizer, on.optimizer].map((section) => (isObject(section) ? section : {}));
  const other = now.method !== undefined && now.method !== (before.method ?? 'adamw');
  const optimizer = other ? now : { ...before, ...now };
  return { ...under, ...on, ...(Object.keys(optimizer).length > 0 && { optimizer }) };
}

/** A problem of a run, told at the place in the comparison that it comes from. */
function placed(
  { path, key, message }: ConfigProblem,
  { method, student, training }: { readonly method: string; readonly student: string; readonly training: unknown },
): ConfigProblem {
  const [section, ...rest] = path;
  const place: Readonly<Record<string, ConfigPath>> = {
    student: ['students', student],
    strategy: ['methods', method, 'strategy'],
    training:
      isObject(training) && rest[0] !== undefined && rest[0] in training
        ? ['methods', method, 'training']
        : ['training'],
  };
  const of = section === 'strategy' ? ` (student ${student})` : ` (method ${method})`;
  const both = section === 'strategy' || section === 'student' || section === 'teacher';
  const advice = `${message.replace(/\.$/, '')}${both ? of : ''}`;
  return { path: [...(place[String(section)] ?? [section]), ...rest], key, message: advice };
}

/** A strategy that is the sum of those of all runs: what a student has to be able to do so that every method can train it. */
export function sumOfStrategies(runs: readonly ComparedRun[]): RunConfig['strategy'] {
  const parts = runs
    .filter(({ trained }) => trained)
    .flatMap(({ config }) => strategiesOf(config).map(({ strategy }) => ({ weight: 1, ...strategy })));
  return { kind: 'hybrid', parts };
}
