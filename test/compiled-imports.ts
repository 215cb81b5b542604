/** The package's own "#" names for a test's compiled copy of the sources in a folder `out` beside its package.json. */
import { readFileSync } from 'node:fs';

interface Manifest {
  readonly imports: Readonly<Record<string, { readonly 'limbeck-source': { readonly default: string } }>>;
}

export function compiledImports(): Record<string, string> {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return Object.fromEntries(
    Object.entries((JSON.parse(text) as Manifest).imports).map(([name, { 'limbeck-source': source }]) => [
      name,
      source.default.replace(/^\.\/(.*)\.ts$/, './out/$1.js'),
    ]),
  );
}
