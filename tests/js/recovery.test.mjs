/** An instance that fails takes nothing with it: the next call runs on a new one, which knows all that the old one knew. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { asyncDispose } from '../../pkg/common.js';
import { createRouter, mergeStates } from '../../pkg/node.js';
import { blankPages } from './support/blank-page.mjs';
import { plant } from './support/faults.mjs';
import { PKG } from './support/paths.mjs';

const PROMPT = 'Which enzyme unwinds the DNA double helix?';
const OTHERS = ['Prove that there are infinitely many primes.', 'Write a limerick about rain.', 'What is 17 * 23?'];
const LEARN = { shared: true, dimensions: 4 };
/** Longer than what is left of a memory that cannot grow. */
const LONG = 'a '.repeat(2_000_000);

const faults = plant();

const make = (options) => createRouter({ tier: 'static', seed: 5, ...options });

/** Learns, spends, and leaves one decision open. */
async function lived(options) {
  const router = await make({ learn: LEARN, budgetUsd: 1, ...options });
  for (const [i, prompt] of OTHERS.entries()) router.feedback((await router.route(prompt)).id, { score: i % 2, usd: 0.001 });
  return { router, open: await router.route(PROMPT) };
}

const withoutTime = ({ ms, id, ...decision }) => decision;

async function rightAgain(router, before, reinits) {
  const { ms: _, id: __, ...after } = await router.route(PROMPT);
  assert.deepEqual(after, before);
  const { lastFault, recoveryMs, ...stats } = router.stats();
  assert.equal(stats.reinits, reinits);
  assert.equal(stats.stateLost, undefined);
  assert.ok(recoveryMs > 0);
  assert.equal(lastFault.code, 'ENGINE');
}

for (const kind of /** @type {const} */ (['panic', 'throw', 'stack'])) {
  for (const when of /** @type {const} */ (['begin', 'end'])) {
    test(`a ${kind} at the ${when} of a decision: it falls back, the next one is right`, async () => {
      const router = await make({});
      const before = withoutTime(await router.route(PROMPT));
      faults.fail(kind, when);
      const fallen = await router.route(PROMPT);
      assert.deepEqual([fallen.reason, fallen.error.code], ['fallback-error', 'ENGINE']);
      await rightAgain(router, before, 1);
    });
  }
}

test('so it is where memory has run out', async () => {
  const router = await make({});
  const before = withoutTime(await router.route(PROMPT));
  faults.fill();
  assert.equal((await router.route(LONG)).reason, 'fallback-error');
  await rightAgain(router, before, 1);
  assert.ok(router.stats().wasmBytes < 2 ** 25, 'the new memory is a small one');
});

test('what was learned and spent, and who waits for feedback, is there to the last bit', async () => {
  const { router, open } = await lived();
  const kept = () => [router.exportState(), router.stats().budget];
  const before = kept();
  faults.fail('panic');
  await assert.rejects(router.route(PROMPT), { code: 'ENGINE' }, 'nobody has priced a fallback');
  await router.rank(PROMPT);
  assert.deepEqual(kept(), before);
  router.feedback(open.id, { score: 1, usd: 0.002 });
  assert.notDeepEqual(kept(), before);
  assert.throws(() => router.feedback(open.id, { score: 1 }), { code: 'BAD_INPUT' });
});

test('feedback that comes while there is no engine is heard by the next', async () => {
  const [one, other] = [await lived(), await lived()];
  faults.fail('panic');
  await one.router.route(PROMPT).catch(() => {});
  for (const { router, open } of [one, other]) router.feedback(open.id, { score: 1 });
  for (const method of ['exportState', 'drainState']) assert.throws(() => one.router[method](), { code: 'ENGINE', message: /rebuilt/ });
  await Promise.all([one.router.rank(PROMPT), other.router.rank(PROMPT)]);
  assert.deepEqual(one.router.exportState(), other.router.exportState());
});

test('ids go on, and do not come again', async () => {
  const router = await make({});
  const ids = [(await router.route(PROMPT)).id];
  for (let i = 0; i < 3; i += 1) {
    faults.fail('panic');
    await router.route(PROMPT);
    ids.push((await router.route(PROMPT)).id);
  }
  assert.equal(new Set(ids).size, ids.length);
});

test('calls that wait together share one rebuilding, in every router of the instance', async () => {
  const [router, neighbour] = [await make({}), await make({ seed: 6 })];
  const before = withoutTime(await router.route(PROMPT));
  faults.fail('panic');
  const first = router.route(PROMPT);
  const rest = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? router : neighbour).route(PROMPT)));
  assert.equal((await first).reason, 'fallback-error');
  for (const decision of rest) assert.deepEqual(withoutTime(decision), before);
  assert.deepEqual([router.stats().reinits, neighbour.stats().reinits], [1, 1]);
});

test('what has no fallback rejects once, and then works', async () => {
  const router = await make({});
  const list = await router.rank(PROMPT);
  for (const [method, ...rest] of [['rank'], ['embed'], ['assign', { costWeight: 0.1 }]]) {
    faults.fail('panic');
    await router.route(PROMPT); // the time is asked for by decisions alone
    await router[method](method === 'assign' ? [PROMPT] : PROMPT, ...rest);
  }
  assert.deepEqual(await router.rank(PROMPT), list);
  assert.equal(router.stats().reinits, 3);
});

test('nobody waits who does not want to, and nothing is called after its end', async () => {
  const router = await make({});
  faults.fail('panic');
  await router.route(PROMPT);
  const stop = new AbortController();
  const unwanted = router.route(PROMPT, { signal: stop.signal });
  const late = router.route(PROMPT);
  stop.abort(new Error('enough'));
  await assert.rejects(unwanted, { message: 'enough' });
  await router[asyncDispose]();
  await assert.rejects(late, { code: 'BAD_INPUT', message: /disposed/ });
});

test('files that are out of reach are asked for again by the next call', async (t) => {
  const assets = join(PKG, 'assets');
  const { fetch } = globalThis;
  t.after(() => { globalThis.fetch = fetch; });
  let reachable = true;
  globalThis.fetch = async (url) => {
    if (!reachable) throw new TypeError('offline');
    return new Response(await readFile(join(assets, String(url).replace('https://host/', ''))));
  };
  const router = await make({ tier: 'full', router: { src: 'https://host/router-static.bin' }, embedder: { src: 'https://host/embedder-static.bin' } });
  const before = withoutTime(await router.route(PROMPT));
  reachable = false;
  faults.fail('panic');
  await router.route(PROMPT);
  const fallen = await router.route(PROMPT);
  assert.deepEqual([fallen.reason, fallen.error.code], ['fallback-error', 'ENGINE']);
  assert.match(fallen.error.message, /offline/);
  reachable = true;
  await rightAgain(router, before, 1);
});

test('states can be added after a fault, too', async () => {
  const { router } = await lived();
  const state = router.exportState();
  faults.fail('panic');
  await router.rank(PROMPT);
  await router.route(PROMPT).catch(() => {});
  assert.deepEqual((await mergeStates([state])).length, state.length);
});

const open = blankPages();

test('a page goes on', async () => {
  const { page, url } = await open();
  await page.goto(url);
  const seen = await page.evaluate(`(async () => {
    const faults = (${plant})();
    const { createRouter } = await import('/pointsman/browser.js');
    const router = await createRouter({ tier: 'full' });
    const before = await router.route(${JSON.stringify(PROMPT)});
    faults.fail('panic');
    const fallen = await router.route(${JSON.stringify(PROMPT)});
    const after = await router.route(${JSON.stringify(PROMPT)});
    return [fallen.reason, after.model === before.model, after.scores[0].quality === before.scores[0].quality, router.stats().reinits];
  })()`);
  assert.deepEqual(seen, ['fallback-error', true, true, 1]);
});
