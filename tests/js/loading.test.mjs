/** A file that cannot be had whole, or is not the one that was pinned, is refused before it is parsed. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { load, progress } from '../../pkg/bytes.js';

const BODY = Buffer.alloc(300_000, 'pointsman');
const SHA256 = createHash('sha256').update(BODY).digest('hex');
const way = { open: fetch, report() {} };

/** What the server below does for each path. */
const ROUTES = {
  '/whole': (response) => response.writeHead(200, { 'content-length': BODY.length }).end(BODY),
  '/unannounced': (response) => response.writeHead(200).end(BODY),
  '/short': (response) => {
    response.writeHead(200, { 'content-length': BODY.length }).write(BODY.subarray(0, 1000));
    setTimeout(() => response.destroy(), 50);
  },
};

async function serve(t) {
  const server = createServer((request, response) => {
    const route = ROUTES[request.url] ?? ((missing) => missing.writeHead(404).end());
    route(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${server.address().port}`;
}

test('a file over HTTP', async (t) => {
  const url = await serve(t);
  const from = (path, sha256) => load('router', { src: url + path, sha256 }, way);

  await t.test('comes whole', async () => {
    assert.deepEqual(Buffer.from(await from('/whole', SHA256)), BODY);
    assert.deepEqual(Buffer.from(await from('/unannounced')), BODY);
  });

  await t.test('is MISMATCH where its hash differs', async () => {
    await assert.rejects(from('/whole', '0'.repeat(64)), { code: 'MISMATCH', message: new RegExp(SHA256) });
  });

  await t.test('is IO where it is missing, breaks off or has no server', async () => {
    await assert.rejects(from('/missing'), { code: 'IO', message: /missing answered 404/ });
    await assert.rejects(from('/short'), { code: 'IO', message: /broke off after \d+ bytes/ });
    await assert.rejects(load('router', { src: 'http://127.0.0.1:1/' }, way), { code: 'IO' });
    await assert.rejects(load('router', { src: 'not a url' }, way), { code: 'IO' });
  });

  await t.test('announces its progress', async () => {
    const seen = [];
    await load('router', { src: `${url}/whole` }, { open: fetch, report: progress((at) => seen.push(at)) });
    assert.deepEqual(seen[0], { loaded: 0, total: BODY.length });
    assert.deepEqual(seen.at(-1), { loaded: BODY.length, total: BODY.length });
  });
});

test('progress adds the files up, and a total is never less than what was loaded', () => {
  const seen = [];
  const report = progress((at) => seen.push(at));
  report('router', 0, 10);
  report('embedder', 50, 0);
  report('router', 10, 10);
  assert.deepEqual(seen, [{ loaded: 0, total: 10 }, { loaded: 50, total: 60 }, { loaded: 60, total: 60 }]);
});

test('bytes are a view of the caller\'s own', async () => {
  const whole = new Uint8Array([9, 1, 2, 9]);
  const part = await load('router', { src: new DataView(whole.buffer, 1, 2) }, way);
  assert.deepEqual([...part], [1, 2]);
});
