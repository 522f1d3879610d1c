/** The server of one job: a page, the files below the mounts, the job on request, and the result on its way back. */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { HARNESS, fileAt } from './places.mjs';

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};
const HEADERS = {
  'cache-control': 'no-store', // every start is a cold one
  // An isolated page has the finer clock.
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/**
 * @param {Record<string, string>} mounts
 * @param {() => Promise<object>} job asked for when the page is there
 */
export async function startServer(mounts, job) {
  const served = new Set();
  let finish;
  const result = new Promise((resolve) => { finish = resolve; });
  const answer = async (request) => {
    const place = decodeURIComponent(new URL(request.url, 'http://localhost').pathname).slice(1);
    if (request.method === 'POST') {
      finish(JSON.parse(await bodyOf(request)));
      return { body: '' };
    }
    if (place === '') return { body: await readFile(join(HARNESS, 'environments', 'page.html')), type: '.html' };
    if (place === 'job') return { body: JSON.stringify(await job()), type: '.json' };
    const file = fileAt(mounts, place);
    const body = file && await readFile(file).catch(() => undefined);
    if (body) served.add(place);
    return body && { body, type: extname(file) };
  };
  const server = createServer(async (request, response) => {
    const found = await answer(request);
    response.writeHead(found ? 200 : 404, { ...HEADERS, 'content-type': TYPES[found?.type] ?? 'application/octet-stream' });
    response.end(found?.body);
  });
  await new Promise((resolve, reject) => { server.once('error', reject).listen(0, '127.0.0.1', resolve); });
  const close = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}/`, result, served: () => [...served], close };
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
