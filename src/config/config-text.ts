/** The text of a configuration file, YAML or JSON, as plain values, with the line of each key. */
import { isMap, isSeq, LineCounter, type Node, type Pair, parseDocument, type Scalar } from 'yaml';
import { LimbeckError } from '../errors.ts';
import { type ConfigPath, isObject } from './check-config.ts';

export interface ConfigText {
  /** Keys with nothing behind them are left out. */
  readonly value: unknown;
  /** The line of a key, or of the nearest thing around it that is there; counted from 1. */
  line(path: ConfigPath): number;
}

/**
 * @param file how the file is called in messages
 * @param maps sections whose keys are names: one with nothing behind it is there, and holds nothing
 * @throws LimbeckError INVALID_OPTION with line and column when the text is not YAML (JSON is)
 */
export function parseConfigText(text: string, file: string, maps: readonly string[] = []): ConfigText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new LimbeckError(
      'INVALID_OPTION',
      `${file}, line ${line}, column ${col}: expected YAML or JSON, got this from its reader: ${error.message}. ` +
        'Check indentation, quotes and brackets there.',
    );
  }
  return {
    value: withoutNull(namesKept(document.toJS() ?? {}, maps)),
    line: (path) => lines.linePos(offsetOf(document.contents, path)).line || 1,
  };
}

function offsetOf(top: unknown, path: ConfigPath): number {
  let node = top;
  let offset = (top as Node | null)?.range?.[0] ?? 0;
  for (const key of path) {
    const pair: Pair | undefined = isMap(node)
      ? node.items.find((item) => (item.key as Scalar).value === key)
      : undefined;
    const next = pair ? pair.key : isSeq(node) && typeof key === 'number' ? node.items[key] : undefined;
    const at = (next as Node | undefined)?.range?.[0];
    if (at === undefined) break;
    offset = at;
    node = pair ? pair.value : next;
  }
  return offset;
}

function namesKept(value: unknown, maps: readonly string[]): unknown {
  if (!isObject(value)) return value;
  const kept = (map: unknown): unknown => {
    if (Array.isArray(map)) return map.map(kept);
    return isObject(map) ? Object.fromEntries(Object.entries(map).map(([name, entry]) => [name, entry ?? {}])) : map;
  };
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, maps.includes(key) ? kept(entry) : entry]),
  );
}

function withoutNull(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNull);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([, entry]) => entry !== null);
  return Object.fromEntries(entries.map(([key, entry]) => [key, withoutNull(entry)]));
}
