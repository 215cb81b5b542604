/** The reference page of the configuration, from the schema: what `docs/configuration.md` holds. */
import { configSchema } from './schema.ts';
import { type ChoiceNode, type Field, type SchemaNode, type SectionNode, sectionOf } from './schema-tree.ts';

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
    'What the student is trained to do. Without `kind`: `contrastive`. [strategies.md](strategies.md) has the formulas.',
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

/** The page as Markdown. */
export function renderReference(): string {
  const { fields } = sectionOf(configSchema);
  const sections = [...fields].map(([name, field]) => section(name, field));
  return `${INTRODUCTION}\n${sections.join('\n')}`;
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
