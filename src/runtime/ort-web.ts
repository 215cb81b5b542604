/**
 * ONNX Runtime's WebAssembly in this page or worker: where its files come from, how many threads it has, and which of its two builds runs.
 * Nothing is fetched from another origin unless `wasmPath` says so.
 */
import type * as Ort from 'onnxruntime-common';
import * as wasm from 'onnxruntime-web/wasm';
import { LimbeckError, show } from '../errors.ts';

export interface WebRuntimeOptions {
  /**
   * The folder of ONNX Runtime's files `ort-wasm-simd-threaded.{wasm,mjs}` (for WebGPU `ort-wasm-simd-threaded.asyncify.{wasm,mjs}`), as
   * URL relative to the page. By default where the bundler put them, else beside the script.
   */
  readonly wasmPath?: string | URL;
  /** Threads of one operator. By default one per two processors, at most four, and one where the page is not cross-origin isolated. */
  readonly threads?: number;
}

/** One build is a module of its own, with its own settings. */
type Build = typeof Ort;

let configured: WebRuntimeOptions = {};
let started = false;

/**
 * Sets up the runtime of this page or worker, before the first model or program.
 *
 * @throws LimbeckError INVALID_ARGUMENT for what is no path or number, and when the runtime has started
 *
 * @example
 * configureWebRuntime({ wasmPath: '/assets/onnxruntime/' });
 */
export function configureWebRuntime(options: WebRuntimeOptions): void {
  const { wasmPath, threads, ...others } = options;
  const refuse = (expected: string, got: unknown): never => {
    throw new LimbeckError('INVALID_ARGUMENT', `configureWebRuntime: expected ${expected}, got ${show(got)}.`);
  };
  for (const name of Object.keys(others)) refuse('wasmPath and threads', name);
  if (wasmPath !== undefined && typeof wasmPath !== 'string' && !(wasmPath instanceof URL)) {
    refuse('wasmPath as string or URL', wasmPath);
  }
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    refuse('threads as a whole number ≥ 1', threads);
  }
  if (started) refuse('to be called before the first model or program', 'a runtime that has started. Call it first');
  configured = { ...configured, ...options };
}

/** The build for the CPU, made ready to start. */
export function wasmBuild(threads: number | undefined): Build {
  prepare(wasm, threads, () => ({
    mjs: new URL('onnxruntime-web/ort-wasm-simd-threaded.mjs', import.meta.url),
    wasm: new URL('onnxruntime-web/ort-wasm-simd-threaded.wasm', import.meta.url),
  }));
  return wasm;
}

/** The build for WebGPU: larger, and fetched only when it is asked for. */
export async function webgpuBuild(threads: number | undefined): Promise<Build> {
  const build = await import('onnxruntime-web/webgpu');
  prepare(build, threads, () => ({
    mjs: new URL('onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs', import.meta.url),
    wasm: new URL('onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm', import.meta.url),
  }));
  return build;
}

const ready = new Map<Build, number>();

/** @param files the build's own files, by names that bundlers know */
function prepare(build: Build, asked: number | undefined, files: () => Ort.Env.WasmFilePaths): void {
  started = true;
  const known = ready.get(build);
  if (known !== undefined) {
    if (asked === undefined || asked === known) return;
    throw new LimbeckError(
      'UNSUPPORTED',
      `threads: expected ${known}, which the page's WebAssembly has started with, got ${asked}. Set it before the first model or program.`,
    );
  }
  const threads = asked ?? configured.threads ?? defaultThreads();
  if (threads > 1 && !globalThis.crossOriginIsolated) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `threads: expected 1, since the page is not cross-origin isolated, got ${threads}. Serve it with the headers ` +
        'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.',
    );
  }
  build.env.wasm.numThreads = threads;
  build.env.logLevel = 'error';
  if (configured.wasmPath !== undefined) {
    const base = (globalThis as { document?: { baseURI: string } }).document?.baseURI ?? globalThis.location.href;
    const folder = new URL(configured.wasmPath, base).href;
    build.env.wasm.wasmPaths = folder.endsWith('/') ? folder : `${folder}/`;
  } else if (threads > 1) {
    // Threads load the script that starts them once more. Left to itself that would be the page's whole bundle.
    build.env.wasm.wasmPaths = files();
  }
  ready.set(build, threads);
}

function defaultThreads(): number {
  if (!globalThis.crossOriginIsolated) return 1;
  return Math.max(1, Math.min(4, Math.ceil((globalThis.navigator?.hardwareConcurrency ?? 1) / 2)));
}
