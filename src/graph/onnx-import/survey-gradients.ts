/** Which nodes of a file a gradient can come to, found backwards from the outputs. */
import { isFloat } from '../tensor.ts';
import type { ModelReader, ReadNode } from './model-reader.ts';

const where = ({ type, name }: ReadNode) => `${type} "${name}"`;

/**
 * @returns for every node why it cannot be trained, empty when it can; and the tensors, weights included, that lie before nodes without
 *   a gradient, or that cannot be read, each with why
 */
export function surveyGradients(reader: ModelReader): {
  readonly reasons: readonly string[];
  readonly blocked: ReadonlyMap<string, string>;
} {
  const causes = lossCauses(reader.nodes);
  const needed = new Set(reader.outputNames);
  const blocked = new Map<string, string>();
  const reasons: string[] = [];
  for (const node of [...reader.nodes].reverse()) {
    const outputs = node.proto.output ?? [];
    const inputs = (node.proto.input ?? []).filter((name) => name);
    if (!outputs.some((name) => needed.has(name))) {
      reasons.push('no output of the model needs it');
      continue;
    }
    for (const name of inputs) needed.add(name);
    const [reason, before] = verdict(node, reader, blocked, causes);
    reasons.push(reason);
    if (before) for (const name of inputs) if (!blocked.has(name)) blocked.set(name, before);
  }
  return { reasons: reasons.reverse(), blocked };
}

/** For the outputs of nodes that cannot be read, and all that follows from them, the first of those nodes. */
function lossCauses(nodes: readonly ReadNode[]): ReadonlyMap<string, string> {
  const causes = new Map<string, string>();
  for (const node of nodes) {
    if (node.fate !== 'unreadable' && node.fate !== 'lost') continue;
    const before = node.proto.input?.map((name) => causes.get(name)).find((cause) => cause !== undefined);
    for (const name of node.proto.output ?? []) causes.set(name, before ?? firstCause(node));
  }
  return causes;
}

/** A node that is lost without another one before it lacks an input or a weight of the file. */
const firstCause = (node: ReadNode) => (node.fate === 'unreadable' ? where(node) : `an input of ${where(node)}`);

/** Why a node cannot be trained, and why what lies before it cannot. */
function verdict(
  node: ReadNode,
  { values }: ModelReader,
  blocked: ReadonlyMap<string, string>,
  causes: ReadonlyMap<string, string>,
): readonly [reason: string, before: string] {
  const outputs = node.proto.output ?? [];
  const cause = outputs.map((name) => causes.get(name)).find((found) => found !== undefined);
  const needs = `the model needs ${cause}, which cannot be read`;
  switch (node.fate) {
    case 'folded':
      return ['computed when the file is read', ''];
    case 'frozen':
    case 'offender':
      return [`no gradient: ${node.reason}`, `lies before ${where(node)}, which has no gradient`];
    case 'unreadable':
      return [`cannot be read: ${node.reason}`, needs];
    case 'lost':
      return [needs, needs];
    case 'differentiable': {
      // A gradient comes through float tensors only, so nothing is asked of the others.
      const through = outputs.filter((name) => {
        const value = values.get(name);
        return value && !value.known && isFloat(value.tensor.dtype);
      });
      const reason = through.map((name) => blocked.get(name)).find((text) => text !== undefined) ?? '';
      return [reason, reason];
    }
  }
}
