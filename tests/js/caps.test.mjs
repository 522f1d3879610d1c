/** What would cost more memory than there is, is refused before it is taken in; what is below that, is not. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { asyncDispose } from '../../pkg/common.js';
import { routerFactory } from '../../pkg/core.js';
import { open } from '../../pkg/disk.js';
import { MOST_BYTES, MOST_PROMPTS, MOST_TEXT } from '../../pkg/limits.js';
import { createRouter } from '../../pkg/node.js';
import { bind } from '../../pkg/wasm/pointsman.js';
import { createRouter as createOnThread } from '../../pkg/worker/node.js';
import { PKG } from './support/paths.mjs';

const tooLong = 'x'.repeat(MOST_TEXT + 1);
const longest = 'Which enzyme? '.repeat(MOST_TEXT / 14);

test('a prompt', async (t) => {
  for (const create of [createRouter, createOnThread]) {
    const router = await create({ tier: 'static' });
    t.after(() => router[asyncDispose]());
    const halves = [{ role: 'user', content: tooLong.slice(MOST_TEXT / 2) }, { role: 'user', content: [{ type: 'text', text: tooLong.slice(0, MOST_TEXT / 2 + 1) }] }];
    for (const prompt of [tooLong, halves]) await assert.rejects(router.route(prompt), { code: 'BAD_INPUT', message: /the most is 4194304/ });
    const { truncated, reason } = await router.route(longest);
    assert.deepEqual([truncated, reason], [true, 'utility']);
    await assert.rejects(router.route('中'.repeat(MOST_TEXT / 3 + 1)), { code: 'BAD_INPUT' });
    for (const prompt of ['中文'.repeat(MOST_TEXT / 6), '🙂'.repeat(MOST_TEXT / 4), 'é'.repeat(MOST_TEXT / 2)]) {
      await router.route(prompt).catch(({ code }) => assert.equal(code, 'NO_ELIGIBLE'));
    }
    assert.equal((await router.stats()).reinits, 0);
  }
});

test('a batch', async () => {
  const router = await createRouter({ tier: 'static' });
  const many = Array.from({ length: MOST_PROMPTS + 1 }, (_, i) => `${i}`);
  await assert.rejects(router.assign(many, { costWeight: 0 }), { code: 'BAD_INPUT', message: /at most 50000/ });
  await assert.rejects(router.assign([longest, longest], { costWeight: 0 }), { code: 'BAD_INPUT', message: /together/ });
  assert.equal((await router.embed(many.slice(0, 3000))).length, 3000 * 384);
  assert.equal((await router.assign(many.slice(0, 10_000), { costWeight: 0 })).picks.length, 10_000);
  assert.equal(router.stats().reinits, 0);
});

test('a file, by what is announced, by what comes, and by what is there', async () => {
  const endless = () => new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(2 ** 20)) });
  for (const part of /** @type {const} */ (['router', 'embedder'])) {
    const limit = new RegExp(`more than the ${MOST_BYTES[part]}`);
    for (const src of [new Response('', { headers: { 'content-length': '900000000000' } }), new Response(endless()), new Uint8Array(MOST_BYTES[part] + 1)]) {
      await assert.rejects(createRouter({ [part]: { src } }), { code: 'BAD_INPUT', message: limit });
    }
  }
});

test('the module can be pinned', async () => {
  const src = await readFile(join(PKG, 'wasm', 'pointsman_simd128_bg.wasm'));
  // Whoever binds anew starts an instance of its own.
  const fresh = routerFactory({ bind: () => bind(), open, background: false });
  const files = { router: { src: join(PKG, 'assets/router-static.bin') }, embedder: { src: join(PKG, 'assets/embedder-static.bin') } };
  await assert.rejects(fresh({ ...files, wasm: { src, sha256: '0'.repeat(64) } }), { code: 'MISMATCH', message: /^wasm: / });
  assert.ok((await (await fresh({ ...files, wasm: { src } })).route('hello')).model);
});

test('ten routers of one embedder share it', async () => {
  const first = await createRouter();
  const { wasmBytes } = first.stats();
  const routers = [first];
  for (let i = 0; i < 9; i += 1) routers.push(await createRouter());
  assert.ok(first.stats().wasmBytes < 1.9 * wasmBytes, `${wasmBytes} became ${first.stats().wasmBytes}`);
  await Promise.all(routers.map((router) => router[asyncDispose]()));
});
