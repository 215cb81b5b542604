/** The reference page of the configuration, from the schema: what `docs/configuration.md` holds. */
import { stringify } from 'yaml';
import { METHODS } from './compare-methods.ts';
import { compareSchema } from './compare-schema.ts';
import { configSchema } from './schema.ts';
import { type ChoiceNode, type Field, type SchemaNode, type SectionNode, sectionOf } from './schema-tree.ts';
import { TEXT_RECIPE } from './text-recipe.ts';

/** What each section is for; a section without an entry would be a gap in the page, so a test holds the list complete. */
const INTRODUCTIONS: Readonly<Record<string, string>> = {
  name: '',
  data: 'What is trained on and measured on. Exactly one of `texts` and `images`.',
  teacher:
    'Whose space the student learns. One of these; the first key says which. `teacher: none` trains by labels alone.',
  cache:
    'Where the rows of the teacher are kept, so that they are computed once. An interrupted pass goes on where it was.',
  student: 'What is trained. Without `kind`: `static` for texts, `resnet` for images.',
  strategy:
    'What the student is trained to do. Without `kind`: `contrastive`. Left out altogether, a static student with a teacher is trained by ' +
    `\`${stringify(TEXT_RECIPE, { collectionStyle: 'flow', lineWidth: 0 }).trim()}\`. [strategies.md](strategies.md) has the formulas.`,
  training: 'How long, how fast, in what batches, and what is kept on the way. [training.md](training.md) says more.',
  output: 'Where everything goes.',
};

const INTRODUCTION = `# Configuration

A run is one file, YAML or JSON, for \`limbeck distill\` and \`limbeck embed\`. Every key, with its default; this page is written from the schema
that the commands check files with (\`node scripts/write-reference.mjs\`).

\`\`\`yaml
# yaml-language-server: $schema=./node_modules/limbeck/limbeck.schema.json
data:
  texts: glosses.jsonl
teacher:
  bert: models/all-MiniLM-L6-v2
\`\`\`

- \`limbeck init\` writes such a file; \`limbeck distill --print-config\` prints it with every default filled in.
- On the command line \`--set training.epochs=5\` sets any key, over the file's value. With flags alone no file is needed.
- Paths are relative to the working directory. A key with nothing behind it is a key left out.
- The first line, in YAML, lets editors complete and check the file.
`;

const COMPARISON = `# Comparisons

What \`limbeck compare\` reads: one file with methods, students and seeds. [compare.md](compare.md) has an example. \`data\`, \`teacher\`, \`cache\` and
\`training\` are those of a run, but for these: paths are relative to the file; \`data.validation\` is 0 by default; \`training\` has no \`seed\`,
\`earlyStopping\`, \`validation\` and \`checkpoint.best\`, since results are those of the last step of equally long runs.

\`\`\`yaml
# yaml-language-server: $schema=./node_modules/limbeck/limbeck.compare.schema.json
\`\`\`

`;

/** The page as Markdown. */
export function renderReference(): string {
  const { fields } = sectionOf(configSchema);
  const sections = [...fields].map(([name, field]) => section(name, field));
  return `${INTRODUCTION}\n${sections.join('\n')}\n${COMPARISON}${comparisonTable()}\n${methodTable()}`;
}

/** Keys that a run does not have, and those that a comparison has otherwise. */
function comparisonTable(): string {
  const { fields } = sectionOf(compareSchema);
  const own = [...fields].filter(([name]) => !['data', 'teacher', 'cache', 'training'].includes(name));
  const [named, others] = [true, false].map((map) => own.filter(([, { node }]) => (node.type === 'map') === map));
  // What a section of a run says of its keys is not said again.
  const inShort = ([name, field]: [string, Field]): [string, Field] => [name, { ...field, node: { type: 'value' } }];
  const method = named.flatMap(([name, { node }]) =>
    node.type === 'map' && node.item.type === 'section'
      ? [
          `## \`${name}.<name>\`\n\n${table({ type: 'section', fields: new Map([...node.item.fields].map(inShort)) }, '')}`,
        ]
      : [],
  );
  return [table({ type: 'section', fields: new Map([...others, ...named.map(inShort)]) }, ''), ...method].join('\n');
}

function methodTable(): string {
  const rows = Object.entries(METHODS).map(([name, { description, strategy }]) => {
    const text =
      strategy === undefined ? '' : `\`${stringify(strategy, { collectionStyle: 'flow', lineWidth: 0 }).trim()}\``;
    return `| \`${name}\` | ${cell(description)} | ${text} |`;
  });
  return ['## Methods by name', '', '| name | what it is | `strategy` |', '|---|---|---|', ...rows, ''].join('\n');
}

function section(name: string, { node, ...field }: Field): string {
  if (node.type === 'value') return `## \`${name}\`\n\n${capital(field.description)}.\n`;
  const introduction = INTRODUCTIONS[name];
  return `## \`${name}\`\n\n${introduction}\n\n${tables(node, name)}`;
}

function tables(node: SchemaNode, path: string): string {
  switch (node.type) {
    case 'section':
      return table(node, path);
    case 'choice':
      return [...node.options]
        .map(([name, option]) => `### ${heading(node, path, name)}\n\n${table(option, path)}`)
        .join('\n');
    case 'list':
      return tables(node.item, `${path}[]`);
    case 'map':
      return tables(node.item, `${path}.<name>`);
    case 'value':
      return '';
  }
}

function heading({ discriminator }: ChoiceNode, path: string, name: string): string {
  return discriminator ? `\`${path}.${discriminator}: ${name}\`` : `\`${path}.${name}\``;
}

/** Keys of a section, those of sections inside it with their path; choices inside it have tables of their own. */
function table(node: SectionNode, path: string): string {
  const inner: string[] = [];
  const rows = ({ fields }: SectionNode, prefix: string): string[] =>
    [...fields].flatMap(([name, field]) => {
      const key = `${prefix}${name}`;
      if (field.node.type === 'section') return rows(field.node, `${key}.`);
      if (field.node.type === 'choice') {
        inner.push(`\n${tables(field.node, `${path}.${key}`)}`);
        return [];
      }
      return [`| \`${key}\` | ${cell(field.description)} | ${defaultText(field)} |`];
    });
  return ['| key | value | default |', '|---|---|---|', ...rows(node, ''), ...inner, ''].join('\n');
}

function defaultText({ optional, default: value }: Field): string {
  if (value !== undefined) return `\`${JSON.stringify(value)}\``;
  return optional ? '' : 'required';
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/<(\w+)>/g, '\\<$1>');
