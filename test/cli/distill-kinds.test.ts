/** `limbeck distill` with every kind of teacher and of data that a configuration can name, each run to its end. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRunRecord } from '../../src/report/run-record.ts';
import { Student } from '../../src/training/student.ts';
import { compileCommand, complaint, runCommand } from './compiled-command.ts';
import { writeGlosses } from './small-data.ts';

let root: string;
let main: string;
beforeAll(async () => {
  ({ root, main } = compileCommand());
  await writeGlosses(root, 300);
  // A first student, whose files then serve as a model from elsewhere.
  const student = { width: 8, vocabularySize: 600, precision: 'float32' };
  const strategy = { kind: 'contrastive' };
  await distill('first', { teacher: { embeddings: 'glosses.npy' }, student, strategy });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const MODEL = 'runs/first/student/onnx/model.onnx';
const TOKENIZER = 'runs/first/student/tokenizer.json';

async function distill(name: string, config: object) {
  const whole = { name, data: { texts: 'glosses.jsonl' }, training: { epochs: 2, batchSize: 32 }, ...config };
  writeFileSync(join(root, `${name}.json`), JSON.stringify(whole));
  const { code, stdout, stderr } = await runCommand(main, ['distill', `${name}.json`]);
  expect([code, complaint(stderr)]).toEqual([0, []]);
  const record = parseRunRecord(readFileSync(join(root, `runs/${name}/run.json`), 'utf8'));
  expect(record.status).toBe('complete');
  return { record, stdout, stderr };
}

describe('teachers of texts', () => {
  const onnx = { onnx: MODEL, embeddings: 'embeddings', tokenizer: TOKENIZER };

  it('an ONNX file', async () => {
    const { record } = await distill('onnx', { teacher: onnx, student: { width: 8 } });
    expect(record.teacher?.dimension).toBe(24);
  });

  it('a transformers.js directory, with a transformer as student, in batches of like length', async () => {
    const { record } = await distill('transformers', {
      teacher: { transformers: 'runs/first/student', dtype: 'fp32' },
      student: { kind: 'transformer', layers: 1, heads: 2, hidden: 16 },
      training: { epochs: 1, batchSize: 32, batching: 'length' },
    });
    expect(record.student?.kind).toBe('transformer');
  });

  it('an ensemble, projected to a width of its own', async () => {
    const { record } = await distill('ensemble', {
      teacher: { ensemble: [onnx, { embeddings: 'glosses.npy' }], dimension: 20 },
      student: { width: 8 },
      strategy: { kind: 'feature' },
    });
    expect(record.teacher?.dimension).toBe(20);
  });

  it('rows by id, whatever their order', async () => {
    const lines = readFileSync(join(root, 'glosses.jsonl'), 'utf8').trim().split('\n');
    const ids = lines.map((line) => (JSON.parse(line) as { id: string }).id).reverse();
    const rows = ids.map((id, k) => JSON.stringify({ id, embedding: [k % 7, k % 5, 1, k % 3] }));
    writeFileSync(join(root, 'by-id.jsonl'), rows.join('\n'));
    const { record } = await distill('by-id', {
      data: { texts: 'glosses.jsonl', idColumn: 'id' },
      teacher: { embeddings: 'by-id.jsonl', align: 'id', idColumn: 'id' },
      student: { width: 8, vocabularySize: 600 },
    });
    expect(record.teacher?.dimension).toBe(4);
  });
});

it('an ONNX file as student', async () => {
  const { record } = await distill('onnx-student', {
    teacher: { embeddings: 'glosses.npy' },
    student: { kind: 'onnx', file: MODEL, embeddings: 'last_hidden_state', pooling: 'mean', tokenizer: TOKENIZER },
    strategy: { kind: 'feature' },
    training: { epochs: 6, batchSize: 32, optimizer: { learningRate: 0.01 } },
  });
  // It goes on from what it had learned.
  const first = parseRunRecord(readFileSync(join(root, 'runs/first/run.json'), 'utf8')).results.at(-1)?.metrics;
  expect(record.results.at(-1)?.metrics.meanCosine).toBeGreaterThan(1.2 * (first?.meanCosine as number));
  const student = await Student.load(join(root, 'runs/onnx-student/student'));
  expect((await student.embed(['a small thing'])).columns).toBe(24);
  await student.release();
});

describe('images in folders', () => {
  beforeAll(async () => {
    for (const [k, colour] of ['red', 'blue'].entries()) {
      mkdirSync(join(root, 'photos', colour), { recursive: true });
      for (let i = 0; i < 24; i++) {
        const background = k === 0 ? { r: 150 + 4 * i, g: 2 * i, b: 20 } : { r: 20, g: 2 * i, b: 150 + 4 * i };
        await sharp({ create: { width: 12, height: 10, channels: 3, background } })
          .png()
          .toFile(join(root, 'photos', colour, `${i}.png`));
      }
    }
    writeFileSync(join(root, 'photos/red/broken.png'), 'no image');
  });

  const student = { kind: 'mlp', widths: [8] };

  it('a classifier from labels alone; what does not decode is counted and listed', async () => {
    const { record, stderr } = await distill('labels', {
      data: { images: 'photos', size: 8, validation: 0.25, augment: { flip: true, colour: 0.1 } },
      teacher: 'none',
      student,
      strategy: { kind: 'supervised' },
      training: { epochs: 30, batchSize: 8, batching: 'balanced', optimizer: { learningRate: 0.02 } },
    });
    expect(stderr).toMatch(/1 left out \(runs\/labels\/skipped\.jsonl lists them\)/);
    const [skipped] = readFileSync(join(root, 'runs/labels/skipped.jsonl'), 'utf8').trim().split('\n');
    expect(JSON.parse(skipped)).toEqual({ where: expect.stringContaining('broken.png'), reason: expect.any(String) });
    expect(record.results.at(-1)?.metrics.accuracy).toBe(1);
    const model = await Student.load(join(root, 'runs/labels/student'));
    const [red, blue] = await model.classify([join(root, 'photos/red/3.png'), join(root, 'photos/blue/3.png')]);
    expect([red.label, blue.label]).toEqual(['red', 'blue']);
    await model.release();
  });

  it('the same classifier as an ONNX teacher of augmented images, outputs and embeddings together', async () => {
    const { record } = await distill('images', {
      data: { images: 'photos', size: 8, validation: 0.25, augment: { crop: 1, flip: true } },
      teacher: { onnx: 'runs/labels/student/onnx/model.onnx', embeddings: 'embeddings', outputs: 'logits' },
      student: { ...student, widths: [4] },
      strategy: { contrastiveWeight: 0.3, projection: 'student' },
      training: { epochs: 30, batchSize: 8, optimizer: { learningRate: 0.02 } },
    });
    expect(record.results.at(-1)?.metrics.accuracy).toBe(1);
  });
});
