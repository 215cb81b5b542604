/** The page in which the engine's and the strategies' vectors are computed, on its own thread; the test calls `window.engine`. */
import * as limbeck from '../../../src/browser.ts';
import * as vectors from '../vectors.ts';
import * as files from './private-files.ts';

const threads = new URLSearchParams(location.search).get('threads');
if (threads) limbeck.configureWebRuntime({ threads: Number(threads) });

const engine = {
  ...vectors,
  ...files,
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
