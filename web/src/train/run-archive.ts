/**
 * What a training on the page leaves, as files: the student's directory, and the directory of a run that `limbeck report` and the Read tab
 * understand, with the student and held-out rows in it.
 */
import {
  type DistillResult,
  LoadedStudent,
  type MetricsLine,
  type RunRecord,
  type StaticEmbeddingStudent,
} from 'limbeck';
import { formatHeldOut } from '../../../src/report/held-out.ts';
import type { SavedRun } from './saved-run.ts';
import type { Parts } from './training.ts';

/** Samples on a map: more would hide each other. As on the command line. */
const MOST_HELD_OUT = 500;

type Files = Map<string, string | Uint8Array>;

export interface RunParts {
  readonly run: SavedRun;
  readonly parts: Parts;
  readonly result: DistillResult<StaticEmbeddingStudent>;
  readonly lines: readonly MetricsLine[];
}

export async function runArchive({ run, parts, result, lines }: RunParts): Promise<{
  readonly student: Files;
  readonly run: Files;
  readonly metrics: Readonly<Record<string, number>>;
  readonly modelBytes: number;
}> {
  const { student, heldOut, heldOutRows } = parts;
  const metrics = result.validation.at(-1)?.metrics ?? {};
  const { settings, name } = run;
  const files = student.toFiles({
    card: {
      name,
      data: { name, size: parts.training.size, fingerprint: parts.training.fingerprint },
      recipe: {
        strategy: settings.mode,
        strategyOptions: { ...settings },
        steps: result.steps,
        limbeck: LIMBECK_VERSION,
      },
      evaluation: { on: `${heldOut.size} held-out texts`, student: metrics },
    },
  });
  // Measured as users will run it: from the files.
  const loaded = await LoadedStudent.fromFiles(files, 'the trained student');
  try {
    const texts = heldOut.texts.slice(0, MOST_HELD_OUT);
    const rows = await loaded.embed(texts);
    const teacher = heldOutRows.gather(Array.from(texts, (_, i) => i));
    const kept = formatHeldOut({ texts, classes: texts.map(() => undefined), teacher, student: rows });
    const record = recordOf({ run, parts, result, lines }, loaded.modelBytes, metrics);
    return {
      student: files,
      metrics,
      modelBytes: loaded.modelBytes,
      run: new Map<string, string | Uint8Array>([
        ['run.json', `${JSON.stringify(record, null, 2)}\n`],
        ['metrics.jsonl', lines.map((line) => `${JSON.stringify(line)}\n`).join('')],
        ['held-out/texts.jsonl', kept.texts],
        ['held-out/rows.safetensors', kept.rows],
        ...[...files].map(([path, content]) => [`student/${path}`, content] as const),
      ]),
    };
  } finally {
    await loaded.release();
  }
}

function recordOf(
  { run, parts, result }: RunParts,
  modelBytes: number,
  metrics: Readonly<Record<string, number>>,
): RunRecord {
  const { student, training, heldOut, heldOutRows } = parts;
  return {
    format: 'limbeck-run/1',
    status: 'complete',
    limbeck: LIMBECK_VERSION,
    startedAt: run.startedAt,
    finishedAt: new Date().toISOString(),
    command: 'trained on the page, tab Train',
    machine: {
      cpu: 'not told by browsers',
      cores: navigator.hardwareConcurrency,
      memoryBytes: ((navigator as { deviceMemory?: number }).deviceMemory ?? 0) * 2 ** 30,
      platform: navigator.userAgent,
      node: 'none: a browser',
      onnxruntime: ONNXRUNTIME_VERSION,
    },
    config: { ...run.settings, epochs: parts.epochs },
    data: {
      name: run.name,
      train: training.size,
      heldOut: heldOut.size,
      fingerprint: training.fingerprint,
      vocabulary: student.tokenizer.vocabularySize,
    },
    teacher: { name: run.name, fingerprint: training.fingerprint, dimension: heldOutRows.columns },
    student: {
      kind: 'static embeddings',
      parameters: student.parameterCount,
      dimension: student.dimension,
      sizeBytes: modelBytes,
    },
    validation: result.validation.map(({ step, epoch, metrics: found }) => ({ step, epoch, metrics: { ...found } })),
    results: [
      {
        method: 'student',
        label: 'student',
        seed: 0,
        metrics: { ...metrics },
        trainingSeconds: result.seconds,
        sizeBytes: modelBytes,
        samplesPerSecond: null,
        parameters: student.parameterCount,
      },
    ],
  };
}
