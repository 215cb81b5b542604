/** The public API in browsers: what `import … from 'limbeck'` gives where the bundler says "browser". A test holds it against Node's. */

export * from './everywhere.ts';
export { configureWebRuntime, type WebRuntimeOptions } from './runtime/ort-web.ts';
