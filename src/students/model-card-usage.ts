/** How a saved student is run, as its model card says it: in Limbeck, in transformers.js, in Python. */
import type { StudentFormat } from './student-format.ts';

/** Markdown; paths are relative to the student's directory. */
export function usage(format: StudentFormat): string {
  const text = format.kind === 'text';
  const parts = [
    '## Use',
    'In Node, with `npm install limbeck`:',
    fenced('js', limbeck(format)),
    ...(text && format.pooling !== 'none'
      ? [
          'In a browser or in Node, with `npm install @huggingface/transformers`:',
          fenced('js', transformersJs(format.pooling)),
        ]
      : []),
    `In Python, with \`pip install onnxruntime ${text ? 'tokenizers' : 'pillow'} numpy\`:`,
    fenced('python', text ? pythonText(format) : pythonImage(format)),
  ];
  return parts.join('\n\n');
}

const fenced = (language: string, code: string): string => `\`\`\`${language}\n${code}\n\`\`\``;

function limbeck({ kind, classes, dimension }: StudentFormat): string {
  const samples = kind === 'text' ? "['a large musical instrument']" : "['photo.png']";
  return [
    "import { Student } from 'limbeck';",
    '',
    "const student = await Student.load('.'); // this directory",
    `const rows = await student.embed(${samples}); // 1 × ${dimension}, norm 1`,
    ...(classes === undefined ? [] : [`const [{ label, score }] = await student.classify(${samples});`]),
    'await student.release();',
  ].join('\n');
}

function transformersJs(pooling: 'mean' | 'first'): string {
  return [
    "import { pipeline } from '@huggingface/transformers';",
    '',
    "const extract = await pipeline('feature-extraction', '.', { dtype: 'fp32' }); // this directory, or its name on a hub",
    `const rows = await extract(['a large musical instrument'], { pooling: '${pooling === 'mean' ? 'mean' : 'cls'}', normalize: true });`,
  ].join('\n');
}

function pythonText({ inputs, classes }: StudentFormat): string {
  const attribute: Readonly<Record<string, string>> = {
    input_ids: 'ids',
    attention_mask: 'attention_mask',
    token_type_ids: 'type_ids',
  };
  return [
    'import numpy as np, onnxruntime as ort',
    'from tokenizers import Tokenizer',
    '',
    "tokenizer = Tokenizer.from_file('tokenizer.json')",
    "session = ort.InferenceSession('onnx/model.onnx')",
    "texts = tokenizer.encode_batch(['a large musical instrument'])",
    'feeds = {',
    ...inputs.map((name) => `    '${name}': np.array([text.${attribute[name]} for text in texts], np.int64),`),
    '}',
    ...results(classes),
  ].join('\n');
}

function pythonImage(format: Extract<StudentFormat, { kind: 'image' }>): string {
  const { channels, height, width, inputs, classes } = format;
  const mode = ({ 1: 'L', 3: 'RGB', 4: 'RGBA' } as Readonly<Record<number, string>>)[channels];
  const pixels =
    mode === undefined
      ? [`pixels = np.zeros((1, ${channels}, ${height}, ${width}), np.float32)  # your numbers`]
      : [
          `image = Image.open('photo.png').convert('${mode}').resize((${width}, ${height}))`,
          `pixels = np.asarray(image, np.float32).reshape(1, ${height}, ${width}, ${channels}).transpose(0, 3, 1, 2) / 255`,
        ];
  return [
    'import numpy as np, onnxruntime as ort',
    ...(mode === undefined ? [] : ['from PIL import Image']),
    '',
    "session = ort.InferenceSession('onnx/model.onnx')",
    ...pixels,
    `feeds = {'${inputs[0]}': pixels}`,
    ...results(classes),
  ].join('\n');
}

function results(classes: number | undefined): string[] {
  return [
    "embeddings = session.run(['embeddings'], feeds)[0]",
    ...(classes === undefined ? [] : ["logits = session.run(['logits'], feeds)[0]"]),
  ];
}
