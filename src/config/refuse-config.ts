/** What is wrong with a configuration, told with file and line or with the flag that said it. */
import { LimbeckError } from '../errors.ts';
import { type ConfigPath, type ConfigProblem, pathText } from './check-config.ts';
import type { ConfigText } from './config-text.ts';
import type { Override } from './overrides.ts';
import type { SchemaNode, SectionNode } from './schema-tree.ts';

/** Where a configuration comes from. */
export interface ConfigOrigin {
  readonly text: ConfigText | undefined;
  /** How the file is called in messages. */
  readonly file: string;
  readonly overrides: readonly Override[];
  /** The schema, for where an unknown key may belong. */
  readonly root: SectionNode;
}

/** @throws LimbeckError INVALID_OPTION with a line for every problem, flags first, then from the top of the file; nothing without any */
export function refuse(problems: readonly ConfigProblem[], origin: ConfigOrigin): void {
  if (problems.length === 0) return;
  const { text, overrides, root } = origin;
  const lineOf = ({ path }: ConfigProblem) => (overrideOf(path, overrides) ? 0 : (text?.line(path) ?? 0));
  const inOrder = [...problems].sort((a, b) => lineOf(a) - lineOf(b));
  const lines = inOrder.map(({ path, key, message }) => {
    const where = placeOf(path, origin);
    return `${where}${where === '' ? '' : ': '}${pathText(path)}${path.length > 0 ? ': ' : ''}${sentence(key ? elsewhere(root, path, message) : message)}`;
  });
  throw new LimbeckError('INVALID_OPTION', [...new Set(lines)].join('\n'));
}

/** The flag that set a key, or something around or inside it. */
function overrideOf(path: ConfigPath, overrides: readonly Override[]): Override | undefined {
  return overrides.findLast(
    (override) =>
      override.path.every((key, i) => path[i] === key) ||
      (path.length > 0 && path.every((key, i) => override.path[i] === key)),
  );
}

function placeOf(path: ConfigPath, { text, file, overrides }: ConfigOrigin): string {
  const set = overrideOf(path, overrides);
  if (set) return set.flag;
  return text ? `${file}, line ${text.line(path)}` : '';
}

const sentence = (text: string): string => (/[.?]$/.test(text) ? text : `${text}.`);

/** An unknown key may be a known one of another section: epochs belongs into training. */
function elsewhere(root: SectionNode, path: ConfigPath, message: string): string {
  if (!message.startsWith('unknown key') || message.includes('Did you mean')) return message;
  const name = path[path.length - 1];
  const found = placesOf(root, String(name)).filter((place) => place !== pathText(path));
  return found.length === 0 ? message : `unknown key. Did you mean ${found.slice(0, 3).join(' or ')}?`;
}

function placesOf(section: SectionNode, name: string, prefix = ''): string[] {
  const places = [...section.fields].flatMap(([key, { node }]) => {
    const place = `${prefix}${key}`;
    return [
      ...(key === name ? [place] : []),
      ...sectionsOf(node).flatMap((inner) => placesOf(inner, name, `${place}.`)),
    ];
  });
  return [...new Set(places)];
}

function sectionsOf(node: SchemaNode): readonly SectionNode[] {
  if (node.type === 'section') return [node];
  return node.type === 'choice' ? [...node.options.values()] : [];
}
