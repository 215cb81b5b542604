/** The page in which the engine's and the strategies' vectors are computed, on its own thread; the test calls `window.engine`. */
import * as limbeck from '../../../src/browser.ts';
import { sampleReport } from '../sample-report.ts';
import * as vectors from '../vectors.ts';
import * as files from './private-files.ts';

const threads = new URLSearchParams(location.search).get('threads');
if (threads) limbeck.configureWebRuntime({ threads: Number(threads) });

/** A report drawn with the page's own document. */
const report = () => sampleReport(document as never);

const engine = {
  ...vectors,
  ...files,
  report,
  names: () => Object.keys(limbeck).sort(),
  configure: limbeck.configureWebRuntime,
};
export type Engine = typeof engine;

declare global {
  interface Window {
    engine: Engine;
  }
}
window.engine = engine;
