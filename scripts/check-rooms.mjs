// Holds the imports of src/ against the direction of dependence drawn in ARCHITECTURE.md:
// a room may import rooms of a lower level, and itself, never a higher one; and node:* stays in the rooms that may have it. The page (web/)
// imports the public API by its names, and of src/ only the room that draws reports.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../src', import.meta.url));
const levels = [
  ['errors', 'nearest-names', 'warnings'],
  ['matrix'],
  ['graph'],
  ['runtime'],
  ['losses', 'negatives'],
  ['strategies'],
  ['evaluation'],
  ['students', 'teachers', 'data'],
  ['training'],
  ['report'],
  ['config'],
  ['cli', 'everywhere', 'index', 'browser', 'web'],
];
const levelOf = new Map(levels.flatMap((rooms, level) => rooms.map((room) => [room, level])));
const mayImportNode = new Set(['runtime', 'teachers', 'data', 'training', 'config', 'cli']);
const roomOf = (file) =>
  relative(root, file)
    .split(sep)[0]
    .replace(/\.[jt]s$/, '');

const breaches = [];
for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
  const file = join(entry.parentPath, entry.name);
  const room = roomOf(file);
  const where = relative(root, file);
  if (!levelOf.has(room)) breaches.push(`${where}: room "${room}" is not in scripts/check-rooms.mjs`);
  for (const [, target] of readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
    if (target.startsWith('node:') && !mayImportNode.has(room)) breaches.push(`${where}: imports ${target}`);
    if (!target.startsWith('.')) continue;
    const other = roomOf(resolve(dirname(file), target));
    if (levelOf.get(other) > levelOf.get(room)) breaches.push(`${where}: ${room} imports upwards from ${other}`);
  }
}

const page = fileURLToPath(new URL('../web/src', import.meta.url));
for (const entry of readdirSync(page, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
  const file = join(entry.parentPath, entry.name);
  for (const [, target] of readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'([^']+)'/g)) {
    const place = target.startsWith('.') ? resolve(dirname(file), target) : page;
    const allowed = [page, join(root, 'report')].some((folder) => place === folder || place.startsWith(folder + sep));
    if (!allowed || target.startsWith('node:')) breaches.push(`web/src/${relative(page, file)}: imports ${target}`);
  }
}

if (breaches.length > 0) {
  console.error(breaches.join('\n'));
  process.exit(1);
}
