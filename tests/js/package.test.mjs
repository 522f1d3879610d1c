/** What the package promises, in Node, on the files that ship. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { createRouter, PointsmanError } from '../../pkg/node.js';
import { PKG } from './support/paths.mjs';

const PROMPT = 'Which enzyme unwinds the DNA double helix?';
let router;
before(async () => {
  router = await createRouter({ seed: 1 });
});

test('a prompt gets a complete decision', async () => {
  const decision = await router.route(PROMPT);
  const ids = router.candidates.map((candidate) => candidate.id);
  assert.deepEqual(decision.scores.map((score) => score.model), ids);
  const chosen = decision.scores.find((score) => score.model === decision.model);
  assert.equal(decision.reason, 'utility');
  assert.equal(decision.propensity, 1);
  assert.equal(decision.truncated, false);
  assert.ok(decision.nearness > 0 && decision.nearness <= 1, `${decision.nearness}`);
  assert.equal(decision.usd, chosen.usd);
  assert.equal(chosen.utility, Math.max(...decision.scores.map((score) => score.utility)));
  assert.ok(decision.id.length > 0 && decision.ms > 0);
  for (const { quality, spread, usd } of decision.scores) {
    assert.ok(quality >= 0 && quality <= 1 && spread >= 0 && usd > 0);
  }
});

test('a chat is decided by its last user message', async () => {
  const chat = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello' },
    { role: 'assistant', content: null, tool_calls: [] },
    { role: 'user', content: [{ type: 'text', text: PROMPT }] },
  ];
  const [ofText, ofChat] = [await router.route(PROMPT), await router.route(chat)];
  assert.equal(ofChat.model, ofText.model);
  assert.deepEqual(qualities(ofChat.scores), qualities(ofText.scores));
});

test('what else hangs on a message makes no difference', async () => {
  let deep = {};
  for (let level = 0; level < 100_000; level += 1) deep = { deep };
  const message = { role: 'user', content: [{ type: 'text', text: PROMPT }, { type: 'image', image: new Uint8Array(4) }], deep, call() {}, count: 10n ** 30n };
  assert.deepEqual((await router.route([message])).scores, (await router.route(PROMPT)).scores);
});

test('rank judges as route does and leaves no trace', async () => {
  const { calls } = router.stats();
  const ranked = await router.rank(PROMPT);
  assert.equal(router.stats().calls, calls);
  const { model, scores } = await router.route(PROMPT);
  assert.equal(ranked[0].model, model);
  assert.deepEqual(ranked, scores.toSorted((a, b) => b.utility - a.utility));
});

test('embed gives one unit vector per input', async () => {
  const one = await router.embed(PROMPT);
  const chat = [{ role: 'user', content: PROMPT }];
  const three = await router.embed(['Hello', chat, PROMPT]);
  assert.ok(one instanceof Float32Array);
  assert.equal(three.length, 3 * one.length);
  for (let row = 0; row < 3; row += 1) {
    const vector = three.subarray(row * one.length, (row + 1) * one.length);
    assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-5);
  }
  assert.deepEqual(three.slice(-one.length), one);
  assert.deepEqual(await router.embed(chat), one);
});

test('the dial moves the pick from the best to the cheapest', async () => {
  const best = await router.route(PROMPT, { costWeight: 0 });
  const cheapest = await router.route(PROMPT, { costWeight: 1e9 });
  assert.equal(qualityOf(best), Math.max(...qualities(best.scores)));
  assert.equal(cheapest.usd, Math.min(...cheapest.scores.map((score) => score.usd)));
  assert.ok(cheapest.usd < best.usd);
});

test('limits exclude candidates, and say which and why', async () => {
  const { id } = router.candidates[0];
  const only = await router.route(PROMPT, { allow: [id] });
  assert.deepEqual([only.model, only.reason], [id, 'only-eligible']);
  assert.deepEqual(only.scores.slice(1).map((score) => score.ineligible), router.candidates.slice(1).map(() => 'allow'));
  await assert.rejects(router.route(PROMPT, { maxUsd: 0 }), { code: 'NO_ELIGIBLE' });
  await assert.rejects(router.route(PROMPT, { needs: ['telepathy'] }), { code: 'NO_ELIGIBLE' });
});

test('a policy is the default of every call, and a call replaces either dial', async (t) => {
  const thrifty = await disposable(t, { policy: { costWeight: 1e9 } });
  const cheapest = await thrifty.route(PROMPT);
  assert.equal(cheapest.usd, Math.min(...cheapest.scores.map((score) => score.usd)));
  const best = await thrifty.route(PROMPT, { costWeight: 0 });
  assert.equal(qualityOf(best), Math.max(...qualities(best.scores)));
  await thrifty.route(PROMPT, { minQuality: 0.5 }); // both dials at once would be refused
});

test('stats count decisions and their time', async (t) => {
  const fresh = await disposable(t);
  assert.deepEqual([fresh.stats().calls, fresh.stats().p50Ms], [0, 0]);
  await fresh.route(PROMPT);
  await fresh.route('Hello');
  const { calls, p50Ms, p99Ms, wasmBytes, device, simd } = fresh.stats();
  assert.equal(calls, 2);
  assert.ok(p50Ms > 0 && p99Ms >= p50Ms);
  assert.ok(wasmBytes > 23e6);
  assert.equal(device, 'wasm');
  assert.ok(['simd128', 'relaxed'].includes(simd));
});

test('equal seeds give equal ids, and two routers do not disturb each other', async (t) => {
  const [a, b, c] = [await disposable(t, { seed: 7 }), await disposable(t, { seed: 7 }), await disposable(t, { seed: 8 })];
  const ids = async (of) => [(await of.route(PROMPT)).id, (await of.route(PROMPT)).id];
  const [ofA, ofB, ofC] = [await ids(a), await ids(b), await ids(c)];
  assert.deepEqual(ofA, ofB);
  assert.equal(new Set([...ofA, ...ofC]).size, 4);
});

test('onDecision sees every decision, and may throw', async (t) => {
  t.mock.method(console, 'error', () => {});
  const seen = [];
  const watched = await disposable(t, {
    onDecision(decision) {
      seen.push(decision);
      throw new Error('the watcher broke');
    },
  });
  const decision = await watched.route(PROMPT);
  await watched.rank(PROMPT);
  assert.deepEqual(seen, [decision]);
  assert.equal(console.error.mock.callCount(), 1);
});

test('an aborted signal stops the work before it starts', async () => {
  const { calls } = router.stats();
  const reason = new Error('changed my mind');
  await assert.rejects(router.route(PROMPT, { signal: AbortSignal.abort(reason) }), reason);
  assert.equal(router.stats().calls, calls);
  await router.route(PROMPT, { signal: new AbortController().signal });
});

test('a disposed router refuses, and disposing twice is fine', async () => {
  const gone = await createRouter();
  await gone[Symbol.asyncDispose]();
  await gone[Symbol.asyncDispose]();
  for (const method of ['route', 'rank', 'embed']) {
    await assert.rejects(gone[method](PROMPT), { name: 'PointsmanError', code: 'BAD_INPUT', message: /disposed/ });
  }
});

test('files can be given as URL, path or bytes, with a pin, and loading is announced', async (t) => {
  const path = join(PKG, 'assets', 'router.bin');
  const bytes = await readFile(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const announced = [];
  const onProgress = (progress) => announced.push(progress);
  for (const src of [path, new URL('../../pkg/assets/router.bin', import.meta.url), bytes, new Uint8Array(bytes).buffer]) {
    const pinned = await disposable(t, { router: { src, sha256: sha256.toUpperCase() }, onProgress });
    assert.equal(pinned.candidates.length, router.candidates.length);
  }
  assert.ok(announced.every(({ loaded, total }) => loaded <= total));
  assert.ok(announced.some(({ loaded, total }) => loaded === total && total > 20e6));
  await assert.rejects(createRouter({ router: { src: bytes, sha256: '0'.repeat(64) } }), { code: 'MISMATCH' });
  await assert.rejects(createRouter({ router: { src: `${path}.missing` } }), { code: 'IO' });
});

test('errors are PointsmanErrors', async () => {
  await assert.rejects(router.route(''), (error) => error instanceof PointsmanError && error instanceof Error);
});

async function disposable(t, options) {
  const made = await createRouter(options);
  t.after(() => made[Symbol.asyncDispose]());
  return made;
}

function qualities(scores) {
  return scores.map((score) => score.quality);
}

function qualityOf({ model, scores }) {
  return scores.find((score) => score.model === model).quality;
}

test('the best quality is asked for by name, and what is unlike all training says so', async () => {
  const scores = (decision) => qualities(decision.scores);
  const best = await router.route(PROMPT, { minQuality: 'best' });
  assert.deepEqual(scores(best), scores(await router.route(PROMPT)));
  await assert.rejects(router.route(PROMPT, { minQuality: 'better' }), { code: 'BAD_INPUT' });
  await assert.rejects(router.route(PROMPT, { minQuality: 1 }), { code: 'INFEASIBLE', message: /90% confidence/ });
  const foreign = await router.route('Bonjour, comment allez-vous aujourd’hui ?');
  const strongest = await router.route(PROMPT, { costWeight: 0 });
  assert.equal(foreign.reason, 'low-confidence');
  assert.equal(foreign.model, strongest.model);
});
