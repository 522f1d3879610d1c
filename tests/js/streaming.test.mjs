/** The embedder goes chunk by chunk into the wasm memory, is hashed there, and is freed wherever loading ends early. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { routerFactory } from '../../pkg/core.js';
import { createRouter } from '../../pkg/node.js';
import { pour } from '../../pkg/pour.js';
import { Instance } from '../../pkg/start.js';
import { PKG } from './support/paths.mjs';

const BODY = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
const SEAL = 10;
const EMBEDDER = join(PKG, 'assets', 'embedder.bin');
const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

/** Stands in for the glue: its files lie in a real memory, 16 bytes from its start. */
function fakeGlue() {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const log = { expected: undefined, appended: [], freed: 0 };
  class FileBytes {
    address = 16;
    length = 0;
    constructor(expected) { log.expected = expected; }
    get sealedBytes() { return Math.max(0, this.length - SEAL); }
    append(chunk) {
      new Uint8Array(memory.buffer).set(chunk, this.address + this.length);
      this.length += chunk.length;
      log.appended.push(chunk.length);
    }
    free() { log.freed += 1; }
  }
  const glue = { FileBytes, simd: () => 'simd128', rehearse() {}, end() {}, compiled() {} };
  return { instance: new Instance(glue, memory), memory, log };
}

/** A body in chunks, which may fail after them. */
function answer({ chunks = [BODY.subarray(0, 400), BODY.subarray(400)], headers = {}, failure = undefined, onCancel = () => {} }) {
  const rest = [...chunks];
  const pull = (controller) => {
    if (rest.length > 0) controller.enqueue(rest.shift());
    else if (failure) controller.error(failure);
    else controller.close();
  };
  return new Response(new ReadableStream({ pull, cancel: onCancel }, { highWaterMark: 0 }), { headers });
}

const LONG = { headers: { 'content-length': '1000000' } };

/** A body that goes on until it is cancelled. */
function endless() {
  let cancel;
  const cancelled = new Promise((resolve) => { cancel = resolve; });
  const pull = async (controller) => {
    await pause(1);
    controller.enqueue(BODY.subarray(0, 8));
  };
  return { body: new ReadableStream({ pull, cancel }), cancelled };
}

function pause(ms) {
  return new Promise((resolve) => { setTimeout(resolve, ms); });
}

function start(response, { pin, starting, signal } = {}) {
  const { instance, log } = fakeGlue();
  const way = { open: async () => response, report() {}, signal };
  return { log, poured: pour({ src: 'https://host/file', sha256: pin }, way, starting?.then(() => instance) ?? Promise.resolve(instance)) };
}

test('every chunk is appended, and what the seal covers is hashed', async () => {
  const { log, poured } = start(answer({ headers: { 'content-length': '1000' } }));
  const { file, digest } = await poured;
  assert.deepEqual([log.expected, log.appended, file.length, log.freed], [1000, [400, 600], 1000, 0]);
  assert.deepEqual(Buffer.from(digest), sha256(BODY.subarray(0, -SEAL)));
});

test('a length that says nothing about the file is not relied on', async () => {
  const expected = async (headers) => {
    const { log, poured } = start(answer({ headers }));
    await poured;
    return log.expected;
  };
  assert.equal(await expected({}), BODY.length);
  assert.equal(await expected({ 'content-length': '300', 'content-encoding': 'gzip' }), BODY.length);
});

test('chunks that come before the instance wait for it', async () => {
  let begin;
  const { log, poured } = start(answer({}), { starting: new Promise((resolve) => { begin = resolve; }) });
  await pause(20);
  assert.deepEqual(log.appended, []);
  begin();
  await poured;
  assert.deepEqual(log.appended, [400, 600]);
});

test('the pin covers the whole file, and is checked before the seal', async () => {
  const right = start(answer({}), { pin: sha256(BODY).toString('hex').toUpperCase() });
  assert.deepEqual(Buffer.from((await right.poured).digest), sha256(BODY.subarray(0, -SEAL)));
  const wrong = start(answer({}), { pin: '0'.repeat(64) });
  await assert.rejects(wrong.poured, { code: 'MISMATCH', message: new RegExp(sha256(BODY).toString('hex')) });
  assert.equal(wrong.log.freed, 1);
});

test('without crypto.subtle wasm hashes for itself, and a pin cannot be checked', async (t) => {
  t.mock.getter(globalThis, 'crypto', () => ({}));
  assert.equal((await start(answer({})).poured).digest, undefined);
  const pinned = start(answer({}), { pin: '0'.repeat(64) });
  await assert.rejects(pinned.poured, { code: 'ENGINE', message: /crypto\.subtle/ });
  assert.equal(pinned.log.freed, 1);
});

test('a transfer that breaks off, or is not wanted any more, frees what came', async () => {
  const broken = start(answer({ headers: { 'content-length': '1001' }, failure: new Error('reset by peer') }));
  await assert.rejects(broken.poured, { code: 'IO', message: /broke off after 1000 bytes: reset by peer/ });
  assert.equal(broken.log.freed, 1);

  const stop = new AbortController();
  const { body, cancelled } = endless();
  const unwanted = start(new Response(body, LONG), { signal: stop.signal });
  setTimeout(() => stop.abort(new Error('enough')), 20);
  await assert.rejects(unwanted.poured, { message: 'enough' });
  await cancelled;
  assert.equal(unwanted.log.freed, 1);
});

const EMPTY_MODULE = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
const fails = async () => {
  await pause(20);
  throw new Error('none');
};
for (const [name, broken] of Object.entries({
  'the router file cannot be read': { router: fails },
  'wasm cannot start': { wasm: fails },
})) {
  test(`where ${name}, the embedder's transfer ends and its bytes are freed`, async () => {
    const { instance, memory, log } = fakeGlue();
    const { body, cancelled } = endless();
    const create = routerFactory({
      bind: () => ({ ...instance.glue, initSync: () => ({ memory }) }),
      open: async ({ pathname }) => (pathname === '/embedder' ? new Response(body, LONG) : broken.router?.() ?? answer({})),
      wasm: broken.wasm ?? (async () => EMPTY_MODULE),
      router: new URL('https://host/router'),
      embedder: new URL('https://host/embedder'),
    });
    await assert.rejects(create(), { message: /none/ });
    await cancelled;
    await pause(5);
    assert.equal(log.appended.length > 0, 'router' in broken);
    assert.equal(log.freed, 'router' in broken ? 1 : 0);
  });
}

test('the embedder over HTTP, announced or compressed, pinned or damaged', async (t) => {
  const { size } = await stat(EMBEDDER);
  const bytes = await readFile(EMBEDDER);
  const pin = sha256(bytes).toString('hex');
  const server = createServer((request, response) => {
    if (request.url === '/short') {
      response.writeHead(200, { 'content-length': size });
      return createReadStream(EMBEDDER, { end: size >> 1 }).on('end', () => response.destroy()).pipe(response, { end: false });
    }
    if (request.url === '/plain') return response.writeHead(200, { 'content-length': size }).end(bytes);
    const packed = gzipSync(bytes, { level: 1 });
    return response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length }).end(packed);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  const from = (path, hash) => createRouter({ embedder: { src: `http://127.0.0.1:${server.address().port}${path}`, sha256: hash } });
  const expected = await (await createRouter({ embedder: { src: bytes } })).embed('Hello');
  for (const router of await Promise.all([from('/plain', pin), from('/packed', pin), createRouter()])) {
    assert.deepEqual(await router.embed('Hello'), expected);
    await router[Symbol.asyncDispose]();
  }
  await assert.rejects(from('/short', pin), { code: 'IO', message: /broke off after \d+ bytes/ });
  await assert.rejects(from('/plain', '0'.repeat(64)), { code: 'MISMATCH', message: new RegExp(pin) });
});

test('what failed leaves no memory behind', async () => {
  const bytes = await readFile(EMBEDDER);
  const fail = () => assert.rejects(createRouter({ embedder: { src: bytes, sha256: '0'.repeat(64) } }), { code: 'MISMATCH' });
  const router = await createRouter();
  await fail();
  const { wasmBytes } = router.stats();
  for (let i = 0; i < 5; i += 1) await fail();
  assert.equal(router.stats().wasmBytes, wasmBytes);
});
