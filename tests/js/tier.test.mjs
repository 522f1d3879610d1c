/** Two tiers, one interface: the static one answers at once, and a page moves over to the full one between two calls. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { asyncDispose } from '../../pkg/common.js';
import { createRouter } from '../../pkg/node.js';
import { createRouter as createOnThread } from '../../pkg/worker/node.js';
import { blankPages } from './support/blank-page.mjs';
import { PKG } from './support/paths.mjs';

const PROMPT = 'Which enzyme unwinds the DNA double helix?';
/** What a browser may fetch before its first decision, after gzip. */
const FIRST_BYTES = 3.5e6;

test('each tier answers, and says that it did', async () => {
  for (const tier of ['full', 'static']) {
    const told = [];
    const router = await createRouter({ tier, seed: 1, onTier: (name) => told.push(name) });
    const decision = await router.route(PROMPT);
    assert.deepEqual([decision.tier, router.stats().tier, told], [tier, tier, [tier]]);
    assert.equal((await router.embed(PROMPT)).length, 384);
  }
});

test('the default is the full tier, and so is auto where there is no idle time', async () => {
  for (const options of [{}, { tier: 'auto' }]) assert.equal((await createRouter(options)).stats().tier, 'full');
});

test('both tiers know the same candidates', async () => {
  const [full, small] = await Promise.all(['full', 'static'].map((tier) => createRouter({ tier })));
  assert.deepEqual(small.candidates.map(({ id }) => id), full.candidates.map(({ id }) => id));
});

test('a thread has tiers, too', async (t) => {
  const told = [];
  const router = await createOnThread({ tier: 'static', onTier: (name) => told.push(name) });
  t.after(() => router[asyncDispose]());
  assert.equal((await router.route(PROMPT)).tier, 'static');
  assert.deepEqual([told, (await router.stats()).tier], [['static'], 'static']);
});

const REFUSED = [
  [{ tier: 'small' }, /tier: small is not one of full, static, auto/],
  [{ tier: 'static', router: { src: 'x' } }, /give static: \{ router, embedder \}/],
  [{ tier: 'static', static: { router: { src: 'x' } } }, /give static\.embedder/],
  [{ tier: 'static', static: { model: 'x' } }, /unknown option "model"/],
];
for (const [options, message] of REFUSED) {
  test(`refused: ${JSON.stringify(options)}`, () => assert.rejects(createRouter(options), { code: 'BAD_INPUT', message }));
}

const newPage = blankPages();

for (const entry of ['browser.js', 'worker/browser.js']) {
  test(`auto in a page, from ${entry}: static at once, full when idle`, async () => {
    const { page, fetched } = await open();
    const result = await page.evaluate(automatic, { entry: `/pointsman/${entry}`, prompt: PROMPT });
    assert.deepEqual(result.tiers, ['static', 'full']);
    assert.equal(result.first.tier, 'static');
    assert.equal(result.calls, 2, 'the count goes on');
    const { ms, id, ...expected } = await (await createRouter({ tier: 'full' })).route(PROMPT);
    assert.deepEqual(result.second, expected);
    assert.ok(result.progress.every((bytes, i) => i === 0 || bytes >= result.progress[i - 1]), 'progress never falls back');
    assert.ok(fetched.indexOf('embedder-static.bin') < fetched.indexOf('embedder.bin'));
  });
}

test('what a page fetches before its first decision is small', async () => {
  const { page, fetched } = await open();
  const before = await page.evaluate(async (prompt) => {
    globalThis.requestIdleCallback = () => 0; // so that only what the first decision needs is fetched
    const { createRouter } = await import('/pointsman/browser.js');
    return (await (await createRouter({ tier: 'auto' })).route(prompt)).tier;
  }, PROMPT);
  assert.equal(before, 'static');
  const files = fetched.map((name) => join(PKG, name.endsWith('.wasm') || name === 'pointsman.js' ? 'wasm' : name.endsWith('.bin') ? 'assets' : '', name));
  const bytes = (await Promise.all(files.map((file) => readFile(file)))).reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
  console.log(`before the first decision: ${(bytes / 1e6).toFixed(2)} MB gzip in ${files.length} files`);
  assert.ok(fetched.includes('embedder-static.bin') && !fetched.includes('embedder.bin'));
  assert.ok(bytes <= FIRST_BYTES);
});

test('where the full tier cannot be had, the static one goes on and tells why', async () => {
  const { page } = await open();
  await page.route('**/embedder.bin', (route) => route.fulfill({ status: 503 }));
  const [tier, code] = await page.evaluate(async (prompt) => {
    const { createRouter } = await import('/pointsman/browser.js');
    const router = await createRouter({ tier: 'auto' });
    while (!router.stats().upgradeError) await new Promise((resolve) => { setTimeout(resolve, 20); });
    return [(await router.route(prompt)).tier, router.stats().upgradeError.code];
  }, PROMPT);
  assert.deepEqual([tier, code], ['static', 'IO']);
});

test('a browser that saves data keeps the static tier, and a disposed router fetches no more', async () => {
  const { page, fetched } = await open();
  await page.evaluate(async (prompt) => {
    const { createRouter } = await import('/pointsman/browser.js');
    const pause = () => new Promise((resolve) => { setTimeout(resolve, 500); });
    const router = await createRouter({ tier: 'auto' });
    await router[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]();
    await pause();
    Object.defineProperty(navigator, 'connection', { value: { saveData: true } });
    await (await createRouter({ tier: 'auto' })).route(prompt);
    await pause();
  }, PROMPT);
  assert.ok(!fetched.includes('embedder.bin'));
});

/** In the page: a decision before and one after the move. */
async function automatic({ entry, prompt }) {
  const { createRouter } = await import(entry);
  const tiers = [];
  const progress = [];
  let moved;
  const moving = new Promise((resolve) => { moved = resolve; });
  const onTier = (tier) => {
    tiers.push(tier);
    if (tier === 'full') moved();
  };
  const router = await createRouter({ tier: 'auto', onTier, onProgress: ({ loaded }) => progress.push(loaded) });
  const first = await router.route(prompt);
  await moving;
  const { ms, id, ...second } = await router.route(prompt);
  return { first, second, tiers, progress, calls: (await router.stats()).calls };
}

/** A blank page, and the names of the package's files that it fetches, in their order. */
async function open() {
  const { page, url } = await newPage();
  const fetched = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith('/pointsman/')) fetched.push(pathname.split('/').at(-1));
  });
  await page.goto(url);
  return { page, fetched };
}
