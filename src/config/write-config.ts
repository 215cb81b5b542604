/** A configuration as text: complete, for --print-config and records, and which of its keys two runs have different. */
import { stringify } from 'yaml';
import { isObject } from './check-config.ts';
import type { RunConfig } from './complete-config.ts';

/** YAML that reads back as the same run. */
export function configToYaml(config: RunConfig): string {
  return stringify(config, { lineWidth: 0 });
}

/** What two runs have different, each as "training.epochs: then 5, now 6". */
export function differences(then: unknown, now: unknown, path = ''): string[] {
  if (isObject(then) && isObject(now)) {
    const keys = [...new Set([...Object.keys(then), ...Object.keys(now)])];
    return keys.flatMap((key) => differences(then[key], now[key], path === '' ? key : `${path}.${key}`));
  }
  const [a, b] = [then, now].map((value) => JSON.stringify(value) ?? 'nothing');
  return a === b ? [] : [`${path}: then ${a}, now ${b}`];
}
