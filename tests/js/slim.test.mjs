/** pointsman/slim routes as pointsman does, from files that the caller brings, in whatever form. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRouter as createWhole } from '../../pkg/node.js';
import { createRouter as createForWeb } from '../../pkg/slim/fetch.js';
import { createRouter, PointsmanError } from '../../pkg/slim/node.js';
import { PKG } from './support/paths.mjs';

const PROMPT = 'Which enzyme unwinds the DNA double helix?';
const PATHS = {
  wasm: join(PKG, 'wasm', 'pointsman_simd128_bg.wasm'),
  router: join(PKG, 'assets', 'router.bin'),
  embedder: join(PKG, 'assets', 'embedder.bin'),
};
const { sha256 } = JSON.parse(await readFile(join(PKG, 'assets', 'assets.json'), 'utf8'))['embedder.bin'];
const wasm = await WebAssembly.compile(await readFile(PATHS.wasm));

/** All three, with the files in one form. */
async function options(form) {
  return { wasm, seed: 1, router: { src: await form(PATHS.router) }, embedder: { src: await form(PATHS.embedder), sha256 } };
}

const FORMS = {
  'bytes': readFile,
  'paths': (path) => path,
  'file URLs': (path) => new URL(`file://${path}`),
  'responses': async (path) => new Response(await readFile(path)),
  'streams of unknown length': async (path) => new Response(new Blob([await readFile(path)]).stream()),
};

for (const [name, form] of Object.entries(FORMS)) {
  test(`from ${name}, it decides as the whole package does`, async () => {
    const whole = await createWhole({ seed: 1 });
    const { ms, ...expected } = await whole.route(PROMPT);
    const { ms: otherMs, ...decision } = await (await createRouter(await options(form))).route(PROMPT);
    assert.deepEqual(decision, expected);
  });
}

test('the entry for browsers and Workers takes the same', async () => {
  const router = await createForWeb(await options(readFile));
  assert.equal((await router.route(PROMPT)).reason, 'utility');
});

test('what is missing is named', async () => {
  const { router, embedder } = await options(readFile);
  const table = [
    [undefined, /give wasm, router, embedder: pointsman\/slim/],
    [{ router, embedder }, /give wasm:/],
    [{ wasm, router, embedder: undefined }, /give embedder:/],
  ];
  for (const create of [createRouter, createForWeb]) {
    for (const [given, message] of table) {
      await assert.rejects(create(given), { name: 'PointsmanError', code: 'BAD_INPUT', message });
    }
  }
  await assert.rejects(createRouter(null), (error) => error instanceof PointsmanError);
});

test('a response that cannot be read, or failed, is refused', async () => {
  const given = await options(FORMS.responses);
  await createRouter(given);
  await assert.rejects(createRouter(given), { code: 'BAD_INPUT', message: /router: the response was read before/ });
  const missing = { src: new Response('no such file', { status: 404 }) };
  const files = await options(readFile);
  await assert.rejects(createRouter({ ...files, router: missing }), { code: 'IO', message: /the response answered 404/ });
});
