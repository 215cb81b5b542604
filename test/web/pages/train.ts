/** The page in which a worker searches and trains; the test calls `window.train`. */
import {
  type DefaultTasks,
  type DistillTaskInput,
  type DistillTaskOutput,
  loadStudent,
  type RemoteStudent,
  WorkerConnection,
  zipFiles,
} from '../../../src/web/page.ts';

type Input = Omit<DistillTaskInput, 'texts' | 'embeddings'>;

const longTasks: number[] = [];
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longTasks.push(duration);
}).observe({ type: 'longtask' });

const connect = () =>
  new WorkerConnection<DefaultTasks>(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }));
let connection = connect();

async function fetched(path: string): Promise<Response> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

let student: RemoteStudent;
let result: DistillTaskOutput;
let controller: AbortController;
const told = { steps: 0, checkpoint: 0, resumed: 0, types: new Set<string>() };

const train = {
  /** Milliseconds from the navigation to the first rows. */
  async load(path: string, query: string): Promise<{ milliseconds: number; rows: number[] }> {
    student = await loadStudent(connection, path);
    const { data } = await student.embed([query]);
    return { milliseconds: performance.now(), rows: Array.from(data) };
  },
  /** As a person would who chose the one .zip file. */
  async loadZip(path: string): Promise<void> {
    const bytes = await (await fetched(path)).arrayBuffer();
    student = await loadStudent(connection, [new File([bytes], 'student.zip')]);
  },
  embed: async (texts: string[]): Promise<number[]> => Array.from((await student.embed(texts)).data),
  classify: async (pixels: number[][]) =>
    (await student.classify(pixels.map((image) => Float32Array.from(image) as never))).map(({ label, score }) => ({
      label,
      score,
    })),
  /** Milliseconds of single queries. */
  async latencies(queries: string[]): Promise<number[]> {
    const times: number[] = [];
    for (const query of queries) {
      const started = performance.now();
      await student.embed([query]);
      times.push(performance.now() - started);
    }
    return times;
  },
  async run(options: Input): Promise<Omit<DistillTaskOutput, 'files'> | { code: string; message: string }> {
    const texts = (await (await fetched('files/texts.json')).json()) as string[];
    const data = new Float32Array(await (await fetched('files/rows.bin')).arrayBuffer());
    const embeddings = { rows: texts.length, columns: data.length / texts.length, data };
    controller = new AbortController();
    longTasks.length = 0;
    try {
      result = await connection.call(
        'distill',
        { ...options, texts, embeddings },
        {
          signal: controller.signal,
          onEvent(event) {
            told.types.add(event.type);
            if (event.type === 'step') told.steps++;
            if (event.type === 'checkpoint') told.checkpoint = event.step;
            if (event.type === 'resume') told.resumed = event.step;
          },
        },
      );
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      return { code, message };
    }
    const { files: _, ...plain } = result;
    return plain;
  },
  told: () => ({ ...told, types: [...told.types] }),
  abort: () => controller.abort(),
  longTasks: () => longTasks,
  download(): void {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([zipFiles(result.files)], { type: 'application/zip' }));
    link.download = 'student.zip';
    link.click();
  },
  /** What calls that the worker cannot answer are rejected with. */
  async failures(): Promise<{ code: string; message: string }[]> {
    const calls = [
      connection.call('embed', { student: 99, samples: [] }),
      connection.call('nothing' as 'embed', { student: 1, samples: [] }),
      loadStudent(connection, 'files/absent/'),
      loadStudent(connection, [new File(['no zip'], 'student.zip')]),
      connection.call('distill', { texts: ['a'], embeddings: { rows: 2, columns: 1, data: new Float32Array(2) } }),
    ];
    return Promise.all(
      calls.map((call) =>
        call.then(
          () => ({ code: 'none', message: '' }),
          ({ code, message }: { code: string; message: string }) => ({ code, message }),
        ),
      ),
    );
  },
  /** Ends the worker while it is asked for something. */
  async terminated(): Promise<string> {
    const waiting = connection
      .call('embed', { student: 1, samples: ['a'] })
      .catch(({ code }: { code: string }) => code);
    connection.terminate();
    connection = connect();
    return String(await waiting);
  },
};
export type Train = typeof train;

declare global {
  interface Window {
    train: Train;
  }
}
window.train = train;
