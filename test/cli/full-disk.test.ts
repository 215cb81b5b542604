/**
 * `limbeck distill` on a disk that is full, or that may not be written. The disks are small file systems in memory, which only root may
 * mount on Linux; elsewhere the tests are skipped, visibly.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseRunRecord } from '../../src/report/run-record.ts';
import { compileCommand, complaint, runCommand } from './compiled-command.ts';
import { writeGlosses } from './small-data.ts';

const mount = (...args: string[]) => spawnSync('mount', args).status === 0;
const unmount = (place: string) => spawnSync('umount', [place]);

let root: string;
let main: string;
let disk: string;
beforeAll(async () => {
  ({ root, main } = compileCommand());
  await writeGlosses(root, 400);
  disk = join(root, 'disk');
  mkdirSync(disk);
});
afterEach(() => unmount(disk));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const distill = (out: string, cache: string) =>
  runCommand(main, [
    ...['distill', '--texts', 'glosses.jsonl', '--teacher-embeddings', 'glosses.npy', '--out', out, '--cache', cache],
    ...['--epochs', '2', '--batch-size', '32', '--set', 'student.width=8', '--set', 'student.vocabularySize=600'],
    ...['--set', 'training.checkpoint.every=2', '--set', 'cache.shardRows=64'],
  ]);
const model = (run: string) => readFileSync(join(root, run, 'student/onnx/model.onnx'));
const leftovers = () => readdirSync(disk, { recursive: true }).filter((name) => /\.(tmp|partial)/.test(String(name)));

/** Pages of 4 KiB that the files of a directory take. */
function pages(directory: string): number {
  const files = readdirSync(join(root, directory), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return files.reduce((sum, { parentPath, name }) => sum + Math.ceil(statSync(join(parentPath, name)).size / 4096), 0);
}

/** Only a try can tell whether this user may mount. */
function canMount(): boolean {
  const place = '/tmp/limbeck-mount-trial';
  mkdirSync(place, { recursive: true });
  const can = process.platform === 'linux' && mount('-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', place);
  if (can) unmount(place);
  rmSync(place, { recursive: true });
  return can;
}

describe.skipIf(!canMount())('a disk', () => {
  it('that fills up, wherever: says so, leaves nothing half-written, and with room the run goes on to the same bits', async () => {
    expect((await distill('reference', 'reference-cache')).code).toBe(0);
    const reached: string[] = [];
    // What a whole run takes, in pages of memory, less what is replaced on the way.
    const needed = pages('reference') + pages('reference-cache');
    for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      const size = Math.floor(share * needed) * 4;
      expect(mount('-t', 'tmpfs', '-o', `size=${size}k`, 'tmpfs', disk)).toBe(true);
      const first = await distill('disk/run', 'disk/cache');
      expect(first.code).toBe(1);
      expect(complaint(first.stderr).join('\n')).toMatch(/disk.*\[FILE_UNWRITABLE\]/);
      expect(first.stderr).toContain('The disk is full: free some space.');
      expect(first.stderr).not.toMatch(/unexpected error|at .*\.js:\d+/);
      expect(leftovers()).toEqual([]);
      reached.push(
        /^(\w+)\s.*$/.exec(
          first.stderr
            .trim()
            .split('\n')
            .filter((line) => /^\w+ {2,}/.test(line))
            .at(-1) ?? '',
        )?.[1] ?? '',
      );
      expect(mount('-o', 'remount,size=64m', disk)).toBe(true);
      const second = await distill('disk/run', 'disk/cache');
      expect([second.code, complaint(second.stderr)]).toEqual([0, []]);
      expect(model('disk/run').equals(model('reference'))).toBe(true);
      expect(parseRunRecord(readFileSync(join(disk, 'run/run.json'), 'utf8')).status).toBe('complete');
      unmount(disk);
    }
    // It filled up in more than one stage of the run.
    expect(new Set(reached).size).toBeGreaterThan(1);
    // Eleven runs of the command, which a slow machine that is shared gives 5 seconds each.
  }, 180_000);

  it('that is read-only: refused before any work', async () => {
    expect(mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk)).toBe(true);
    expect(mount('-o', 'remount,ro', disk)).toBe(true);
    for (const [out, cache] of [
      ['disk/run', 'own-cache'],
      ['own-run', 'disk/cache'],
    ]) {
      const { code, stderr } = await distill(out, cache);
      expect(code).toBe(1);
      expect(complaint(stderr).join('\n')).toMatch(/disk.*The file system is read-only.*\[FILE_UNWRITABLE\]/);
      expect(stderr).not.toMatch(/^train/m);
    }
  });
});
