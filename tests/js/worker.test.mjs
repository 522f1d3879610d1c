/** pointsman/worker is the same router on another thread: same answers, same errors, and nobody waits for a dead one. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createRouter as createHere } from '../../pkg/node.js';
import { workerFactory } from '../../pkg/worker/client.js';
import { createRouter, PointsmanError } from '../../pkg/worker/node.js';
import { serve } from '../../pkg/worker/thread.js';
import { createRouter as createInWorkerd } from '../../pkg/worker/workerd.js';
import { link } from './support/consumer.mjs';
import { PKG } from './support/paths.mjs';
import { run } from './support/run.mjs';

const PROMPT = 'Which enzyme unwinds the DNA double helix?';
const ROUTER = join(PKG, 'assets', 'router.bin');
const LEARNING = { seed: 1, learn: { dimensions: 8 } };

/** One of each kind, made alike and called alike. */
let here;
let there;
before(async () => {
  [here, there] = await Promise.all([createHere(LEARNING), createRouter(LEARNING)]);
});
after(() => Promise.all([here, there].map((router) => router[Symbol.asyncDispose]())));

const CALLS = {
  'route a text': (router) => router.route(PROMPT, { costWeight: 0.1 }),
  'route a chat': (router) => router.route([{ role: 'user', content: [{ text: PROMPT, picture() {} }] }]),
  'rank': (router) => router.rank(PROMPT, { needs: [] }),
  'assign': (router) => router.assign([PROMPT, 'Hello'], { budgetUsd: 0.01 }),
  'feedback': async (router) => router.feedback((await router.route(PROMPT)).id, { score: 0.5, usd: 0.001 }),
  'exportState': (router) => router.exportState(),
  'mergeState': async (router) => router.mergeState(await router.exportState()),
  'the state after it': (router) => router.exportState(),
  'embed a text': (router) => router.embed(PROMPT),
  'embed a list': (router) => router.embed([PROMPT, [{ role: 'user', content: 'Hello' }]]),
  'candidates': (router) => router.candidates,
  'stats': async (router) => (await router.stats()).calls,
};

for (const [name, call] of Object.entries(CALLS)) {
  test(`${name}: as on this thread`, async () => {
    assert.deepEqual(untimed(await call(there)), untimed(await call(here)));
  });
}

const MISTAKES = {
  'an empty prompt': (router) => router.route(''),
  'no prompt': (router) => router.route(42),
  'a misspelt option': (router) => router.rank(PROMPT, { costweight: 1 }),
  'no signal': (router) => router.route(PROMPT, { signal: 'stop' }),
  'no candidate': (router) => router.route(PROMPT, { maxUsd: 0 }),
  'a goal out of reach': (router) => router.assign([PROMPT], { minQuality: 1 }),
  'no goal': (router) => router.assign([PROMPT]),
  'no batch': (router) => router.assign(PROMPT, { budgetUsd: 1 }),
  'an unknown id': async (router) => router.feedback('unknown', { score: 1 }),
  'no state': async (router) => router.mergeState('state'),
  'a damaged state': async (router) => router.mergeState(new Uint8Array(100)),
  'a number to embed': (router) => router.embed(7),
};

for (const [name, call] of Object.entries(MISTAKES)) {
  test(`${name}: rejects as on this thread`, async () => assert.deepEqual(await failure(call(there)), await failure(call(here))));
}

const BAD_OPTIONS = {
  'an unknown option': { rooter: {} },
  'a callback that is none': { onDecision: 1 },
  'a file without a place': { router: {} },
  'no file': { router: { src: `${ROUTER}.missing` } },
  'another hash': { router: { src: ROUTER, sha256: '0'.repeat(64) } },
  'a fallback that is no candidate': { fallback: 'nobody' },
  'a seed out of range': { seed: -1 },
  'a response that failed': { router: { src: new Response('', { status: 404 }) } },
};

for (const [name, options] of Object.entries(BAD_OPTIONS)) {
  test(`${name}: createRouter rejects as on this thread`, async () => {
    assert.deepEqual(await failure(createRouter(options)), await failure(createHere(options)));
  });
}

test('what cannot cross is refused by name', async () => {
  await assert.rejects(there.rank(PROMPT, { allow: () => {} }), { code: 'BAD_INPUT', message: /^rank: an argument cannot go to the thread/ });
  await assert.rejects(createRouter({ policy: { costWeight: () => {} } }), { code: 'BAD_INPUT', message: /^createRouter: an argument/ });
});

test('bytes are moved, a part of a buffer is copied, a response is read', async (t) => {
  const whole = new Uint8Array(await readFile(ROUTER));
  const around = new Uint8Array(whole.length + 2);
  around.set(whole, 1);
  const wasm = await WebAssembly.compile(await readFile(join(PKG, 'wasm', 'pointsman_simd128_bg.wasm')));
  for (const src of [new Response(whole.slice()), around.subarray(1, -1), whole]) {
    const router = await disposable(t, { router: { src }, wasm });
    assert.deepEqual(router.candidates, here.candidates);
  }
  assert.deepEqual([whole.length, around[0], around.length > 2], [0, 0, true]);
  const state = await there.exportState();
  await there.mergeState(state.slice());
  assert.ok(state.length > 0);
  await there.mergeState(state);
  assert.equal(state.length, 0);
});

test('callbacks are called on this thread', async (t) => {
  t.mock.method(console, 'error', () => {});
  const [seen, announced] = [[], []];
  const watched = await disposable(t, {
    onProgress: (progress) => announced.push(progress),
    onDecision(decision) {
      seen.push(decision);
      throw new Error('the watcher broke');
    },
  });
  const decision = await watched.route(PROMPT);
  const { picks } = await watched.assign(['Hello'], { costWeight: 1 });
  assert.deepEqual(seen, [decision, ...picks]);
  assert.equal(console.error.mock.callCount(), 2);
  assert.ok(announced.some(({ loaded, total }) => loaded === total && total > 20e6));
  const broken = new Error('the bar broke');
  await assert.rejects(createRouter({ onProgress() { throw broken; } }), broken);
});

test('a batch tells how far it is, and others come in between; a callback that throws fails its call alone', async (t) => {
  const router = await disposable(t, { tier: 'static' });
  const prompts = Array.from({ length: 8000 }, (_, i) => `Prompt ${i}`);
  const order = [];
  const batch = router.embed(prompts, { onProgress: ({ done, total }) => order.push(total === prompts.length && done) });
  const route = router.route(PROMPT).then(() => order.push('route'));
  assert.deepEqual(await batch, await router.embed(prompts));
  await route;
  // Between which two portions the route comes in is up to the machine.
  assert.deepEqual(order.filter((entry) => entry !== 'route'), [1024, 2048, 3072, 4096, 5120, 6144, 7168, 8000]);
  assert.ok(order.indexOf('route') < order.indexOf(8000), `${order}`);
  const broken = new Error('the bar broke');
  await assert.rejects(router.embed(prompts, { onProgress() { throw broken; } }), broken);
  assert.equal((await router.route(PROMPT)).tier, 'static');
});

test('this thread is free while the other works', async () => {
  let turns = 0;
  const turning = setInterval(() => { turns += 1; }, 1);
  await there.embed(Array.from({ length: 10 }, (_, i) => `${PROMPT} ${i}`));
  clearInterval(turning);
  assert.ok(turns > 1);
});

test('an aborted call rejects with the reason, and one that waits is not made', async (t) => {
  const router = await disposable(t);
  const reason = new Error('changed my mind');
  await assert.rejects(router.route(PROMPT, { signal: AbortSignal.abort(reason) }), reason);
  const stop = new AbortController();
  const calls = Array.from({ length: 8 }, () => router.route(PROMPT, { signal: stop.signal }));
  const another = router.route(PROMPT);
  stop.abort(reason);
  for (const outcome of await Promise.allSettled(calls)) assert.equal(outcome.reason, reason);
  assert.equal((await another).reason, 'utility');
  assert.ok((await router.stats()).calls < calls.length);
  await router.route(PROMPT, { signal: new AbortController().signal });
});

test('a thread that ends rejects every call, then and later', async (t) => {
  const { router, thread } = await watchedThread(t);
  const calls = [router.route(PROMPT), router.embed(PROMPT), router.route(PROMPT, { signal: new AbortController().signal })];
  thread.terminate();
  for (const call of calls) await assert.rejects(call, { name: 'PointsmanError', code: 'ENGINE', message: /thread ended: it exited with 1/ });
  await assert.rejects(router.route(PROMPT), { code: 'ENGINE' });
  await router[Symbol.asyncDispose]();
  await assert.rejects(router.route(PROMPT), { code: 'BAD_INPUT', message: /disposed/ });
});

test('a thread that throws says what', async (t) => {
  const { router, thread } = await watchedThread(t);
  const call = router.embed(Array(100).fill(PROMPT));
  thread.postMessage(null); // no opening
  await assert.rejects(call, { code: 'ENGINE', message: /thread ended: .*null/ });
});

test('disposing ends the thread, and calls in flight', async (t) => {
  const { router, thread } = await watchedThread(t);
  const exited = once(thread, 'exit');
  const call = router.route(PROMPT);
  await Promise.all([assert.rejects(call, { code: 'BAD_INPUT', message: /disposed/ }), router[Symbol.asyncDispose]()]);
  await exited;
  await router[Symbol.asyncDispose]();
  for (const method of ['route', 'rank', 'assign', 'embed', 'feedback', 'exportState', 'mergeState', 'stats']) {
    await assert.rejects(router[method](PROMPT), { code: 'BAD_INPUT', message: /disposed/ });
  }
});

test('a router that failed to load leaves no thread', async (t) => {
  const { thread } = await watchedThread(t, (options) => createRouter({ ...options, fallback: 'nobody' }).catch(() => {}));
  assert.equal(thread.threadId, -1);
});

test('a process ends with a router that was not disposed, and not before its answers', async () => {
  const folder = await link();
  const file = join(folder, 'main.mjs');
  await writeFile(file, `
    import { createRouter } from 'pointsman/worker';
    createRouter().then((router) => router.route('${PROMPT}')).then(({ reason }) => console.log(reason));
  `);
  assert.equal(await run('node', [file], { cwd: folder, timeout: 60_000 }), 'utility\n');
});

test('the error of a fallback is a PointsmanError here, too', async () => {
  const failing = async () => ({
    candidates: [{ id: 'large' }],
    route: async () => ({ model: 'large', reason: 'fallback-error', error: new PointsmanError('ENGINE', 'it broke', { cause: 'a trap' }) }),
  });
  const start = () => ({ open: (opening) => serve(failing, opening), stop() {}, hold() {} });
  const router = await workerFactory({ start, locate: (src) => src })();
  const { error, model } = await router.route(PROMPT);
  assert.ok(error instanceof PointsmanError);
  assert.deepEqual([model, error.code, error.message, error.cause], ['large', 'ENGINE', 'it broke', 'a trap']);
  await router[Symbol.asyncDispose]();
});

test('where there are no threads, it says so', async () => {
  await assert.rejects(createInWorkerd(), { name: 'PointsmanError', code: 'ENGINE', message: /no threads/ });
});

async function disposable(t, options) {
  const router = await createRouter(options);
  t.after(() => router[Symbol.asyncDispose]());
  return router;
}

/** A router and the very thread it runs on. */
async function watchedThread(t, create = (options) => disposable(t, options)) {
  const [[thread], router] = await Promise.all([once(process, 'worker'), create({})]);
  return { router, thread };
}

/** An error without its stack. */
async function failure(call) {
  const error = await call.then(() => assert.fail('it was accepted'), (thrown) => thrown);
  assert.ok(error instanceof PointsmanError, error);
  return { code: error.code, message: error.message };
}

/** A result without what differs from run to run. */
function untimed(result) {
  if (ArrayBuffer.isView(result) || Array.isArray(result) || Object(result) !== result) return result;
  const { ms, picks, ...rest } = result;
  return picks ? { ...rest, picks: picks.map(untimed) } : rest;
}
