/** The page in which the engine's and the strategies' vectors are computed; the test calls `window.engine`. */
import { configureWebRuntime } from '../../../src/browser.ts';
import * as vectors from '../vectors.ts';

const threads = new URLSearchParams(location.search).get('threads');
if (threads) configureWebRuntime({ threads: Number(threads) });

const engine = { ...vectors };
export type Engine = typeof engine;

declare global {
  interface Window {
    engine: Engine;
  }
}
window.engine = engine;
