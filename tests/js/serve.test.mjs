/** The static server hands out what it should, and nothing else. */

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { serve } from '../../scripts/serve.mjs';

test('the static server', async (t) => {
  const { url, close } = await serve();
  t.after(close);
  const table = [
    ['/', 200, 'text/html; charset=utf-8'],
    ['/app.js?x=1', 200, 'text/javascript; charset=utf-8'],
    ['/pointsman/core.js', 200, 'text/javascript; charset=utf-8'],
    ['/pointsman/wasm/pointsman_relaxed_bg.wasm', 200, 'application/wasm'],
    ['/pointsman/assets/router.bin', 200, 'application/octet-stream'],
    ['/missing', 404],
    ['/pointsman/', 404],
    ['/pointsman/wasm', 404],
    ['/../package.json', 404],
    ['/%2e%2e/package.json', 404],
    ['/pointsman/..%2f..%2fpackage.json', 404],
    ['/..%5cpackage.json', 404],
    ['/%', 404],
    ['/%00', 404],
  ];
  for (const [path, status, type] of table) {
    assert.deepEqual(await get(url, path), { status, type }, path);
  }
  assert.equal((await fetch(url, { method: 'POST' })).status, 405);
});

/** A request whose path is sent as it is; `fetch` would tidy it up. */
function get(url, path) {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    request({ hostname, port, path }, (response) => {
      response.resume();
      resolve({ status: response.statusCode, type: response.headers['content-type'] });
    }).on('error', reject).end();
  });
}
