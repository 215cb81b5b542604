/** Set by vite.config.ts from package.json. */
declare const LIMBECK_VERSION: string;
declare const ONNXRUNTIME_VERSION: string;
