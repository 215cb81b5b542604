/** What the page does with its private files; the test looks at what comes of it. */
import { StaticEmbeddingStudent, Student, trainTokenizer } from '../../../src/browser.ts';
import { storage } from '../../../src/runtime/storage-web.ts';

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

async function failure(work: () => Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await work();
    return { code: 'none', message: '' };
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
}

/** A student saved, replaced and loaded; largest difference of its rows before and after. */
export async function saveAndLoad(): Promise<number> {
  const texts = ['a dog barks', 'a cat sleeps', 'dogs and cats'];
  const tokenizer = await trainTokenizer(texts, { vocabularySize: 60, minimumCount: 1 });
  let worst = 0;
  for (const seed of [1, 2]) {
    const student = new StaticEmbeddingStudent(tokenizer, { width: 4, dimension: 6, seed });
    await student.save('students/one');
    const [embedder, loaded] = [await student.toEmbedder(), await Student.load('opfs:students/one')];
    const [expected, found] = [await embedder.embed(texts), await loaded.embed(texts)];
    for (const [k, value] of expected.data.entries()) worst = Math.max(worst, Math.abs(value - found.data[k]));
    await Promise.all([embedder.release(), loaded.release()]);
  }
  return worst;
}

/** Files written, replaced and read, and what an interrupted write leaves. */
export async function writtenFiles() {
  const bytes = (content: string) => new TextEncoder().encode(content);
  const absent = await storage.readIfThere('deep/er', 'a.bin', 'a file');
  await storage.writeFile('deep/er', 'a.bin', bytes('a long first content'));
  await storage.writeFile('deep/er', 'a.bin', bytes('second'));
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('deep');
  const inner = await folder.getDirectoryHandle('er');
  const [stale, held] = ['a.bin', 'b.bin'].map((name) => `${name}.${crypto.randomUUID()}.tmp`);
  for (const name of [stale, held]) await inner.getFileHandle(name, { create: true });
  let release = () => {};
  const lock = new Promise<void>((resolve) => {
    release = resolve;
  });
  const holding = navigator.locks.request(held, () => lock);
  const content = text(await storage.readIfThere('deep/er', 'a.bin', 'a file'));
  const names = await storage.list('deep/er');
  release();
  await holding;
  return { absent, content, names: names?.map((name) => name.replace(/\.[0-9a-f-]{36}\./, '.*.')).sort() };
}

/** What is refused. */
export async function refusals() {
  await storage.writeDirectory('no student', new Map([['notes.txt', 'mine']]));
  const tokenizer = await trainTokenizer(['a dog'], { vocabularySize: 40, minimumCount: 1 });
  const student = new StaticEmbeddingStudent(tokenizer, { width: 2, dimension: 2, seed: 0 });
  return {
    foreign: await failure(() => student.save('no student')),
    upwards: await failure(() => storage.writeFile('../up', 'a', new Uint8Array())),
    absent: await failure(() => Student.load('opfs:students/absent')),
    unread: await failure(() => storage.read('students', 'absent', 'a file')),
    notText: await failure(async () => {
      await storage.writeFile('texts', 'bytes', Uint8Array.of(0xff, 0xfe));
      await storage.readText('texts', 'bytes', 'a text');
    }),
    files: await failure(() => Student.load([])),
    images: await failure(() => Student.load('nowhere/')),
  };
}
