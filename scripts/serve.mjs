/**
 * A static server for this machine alone: www/ at /, the npm package at /pointsman/, the plotting library at /vendor/uplot/.
 * Run it, or import `serve` from it. $PORT chooses the port.
 */

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, sep } from 'node:path';
import { argv, env } from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MOUNTS = {
  '/pointsman/': join(ROOT, 'pkg'),
  '/vendor/uplot/': join(ROOT, 'node_modules', 'uplot', 'dist'),
  '/': join(ROOT, 'www'),
};
const DEFAULT_PORT = 8787;
/** What pages and workers may do: nothing that goes elsewhere, no script that is not a file, but compile WebAssembly. */
export const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/**
 * @param {{ port?: number, mounts?: Record<string, string>, policy?: string }} [options] port 0 is any free one
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function serve({ port = 0, mounts = MOUNTS, policy = POLICY } = {}) {
  const server = createServer((request, response) => answer({ mounts, policy }, request, response));
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  const close = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}/`, close };
}

/** The port that was asked for; where none was, the usual one, or any free one when that is taken. */
export async function serveForPeople() {
  if (env.PORT) return serve({ port: Number(env.PORT) });
  return serve({ port: DEFAULT_PORT }).catch((error) => {
    if (error.code === 'EADDRINUSE') return serve();
    throw error;
  });
}

async function answer({ mounts, policy }, request, response) {
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405);
  const file = locate(mounts, request.url);
  const found = file && await stat(file).catch(() => undefined);
  if (!found?.isFile()) return refuse(response, 404);
  // Asked again at every use, but sent again only where the file has changed.
  const etag = `"${found.size.toString(36)}-${found.mtimeMs.toString(36)}"`;
  const always = { etag, 'cache-control': 'no-cache', 'content-security-policy': policy, 'x-content-type-options': 'nosniff' };
  if (request.headers['if-none-match'] === etag) return response.writeHead(304, always).end();
  response.writeHead(200, {
    ...always,
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    'content-length': found.size,
  });
  if (request.method === 'HEAD') return response.end();
  createReadStream(file).on('error', () => response.destroy()).pipe(response);
}

function refuse(response, status) {
  response.writeHead(status).end();
}

/** The file that a URL names, or undefined where it would lead out of its folder. */
function locate(mounts, target) {
  let path;
  try {
    path = decodeURIComponent(target.split(/[?#]/, 1)[0]);
  } catch {
    return undefined; // not valid percent-encoding
  }
  if (path.includes('\0')) return undefined;
  const prefix = Object.keys(mounts).find((mount) => path.startsWith(mount));
  if (prefix === undefined) return undefined;
  const folder = mounts[prefix];
  const file = join(folder, path.slice(prefix.length) || 'index.html');
  return file.startsWith(folder + sep) ? file : undefined;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serveForPeople();
  console.log(`The demo page is at ${url} (stop with Ctrl-C)`);
}
