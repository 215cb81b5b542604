// A server of static files for pages of this project, on loopback alone: cross-origin isolated, so that WebAssembly may have threads.
// Not for the open network. `node scripts/web-server.mjs FOLDER [PORT]`, or startWebServer() of another script.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.jsonl': 'application/jsonl',
  '.md': 'text/plain; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.zip': 'application/zip',
};

// A page that shares no memory with others: what SharedArrayBuffer, and with it threads, asks for.
const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/**
 * @param mounts the beginning of a path ('/' among them) → the folder that lies there; the longest that fits counts
 * @param options.port by default any that is free
 * @param options.headers further headers of every answer, such as Content-Security-Policy
 * @returns the address, with a slash at its end, and how to stop
 */
export async function startWebServer(mounts, { port = 0, headers = {} } = {}) {
  const prefixes = Object.keys(mounts).sort((a, b) => b.length - a.length);
  const fileOf = (path) => {
    const prefix = prefixes.find((one) => path.startsWith(one));
    if (prefix === undefined) return undefined;
    const folder = resolve(mounts[prefix]);
    const file = normalize(join(folder, path.slice(prefix.length)));
    return file === folder || file.startsWith(folder + sep) ? file : undefined;
  };
  const server = createServer(async (request, response) => {
    const end = (status, text) => response.writeHead(status, { 'Content-Type': 'text/plain', ...ISOLATED }).end(text);
    if (request.method !== 'GET' && request.method !== 'HEAD') return end(405, 'GET or HEAD\n');
    let path;
    try {
      path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    } catch {
      return end(400, 'not an address\n');
    }
    let file = path.includes('\0') ? undefined : fileOf(path);
    let found = file && (await stat(file).catch(() => undefined));
    if (found?.isDirectory()) {
      file = join(file, 'index.html');
      found = await stat(file).catch(() => undefined);
    }
    if (!found?.isFile()) return end(404, 'no such file\n');
    response.writeHead(200, {
      'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
      'Content-Length': found.size,
      'Cache-Control': 'no-cache',
      'X-Content-Type-Options': 'nosniff',
      ...ISOLATED,
      ...headers,
    });
    if (request.method === 'HEAD') return response.end();
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
  });
  await new Promise((done, failed) => server.once('error', failed).listen(port, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [folder, port] = process.argv.slice(2);
  if (!folder) {
    console.error('web-server: expected a folder, got none. Usage: node scripts/web-server.mjs FOLDER [PORT]');
    process.exit(1);
  }
  const { url } = await startWebServer({ '/': folder }, { port: Number(port ?? 4173) });
  console.log(url);
}
