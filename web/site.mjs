// Builds the page, with a run beside it where one is named, and serves it on loopback.
// `npm run build:web -- [--run DIR]` and `npm run web -- [--run DIR] [--port N]`.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'vite';
import { startWebServer } from '../scripts/web-server.mjs';
import { prepareRun } from './prepare.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const DEMO = here('../runs/demo');

try {
  const { values } = parseArgs({
    options: { run: { type: 'string' }, port: { type: 'string', default: '4173' }, serve: { type: 'boolean' } },
  });
  const run = values.run ?? (existsSync(DEMO) ? DEMO : undefined);
  prepareRun(run);
  await build({ configFile: here('vite.config.ts') });
  console.error(
    run === undefined
      ? 'web: no run is beside the page. npm run demo makes one; --run DIR names another.'
      : `web: with the run in ${run}.`,
  );
  if (values.serve) {
    const { url } = await startWebServer({ '/': here('dist') }, { port: Number(values.port) });
    console.log(url);
  } else {
    console.log(here('dist'));
  }
} catch (error) {
  console.error(`web: ${error.message}`);
  process.exit(1);
}
