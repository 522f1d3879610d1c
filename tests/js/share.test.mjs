/** Routers that learn apart learn as one, once their sums meet; feedback is heard wherever it arrives. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asyncDispose } from '../../pkg/common.js';
import { createRouter, mergeStates } from '../../pkg/node.js';
import { createRouter as createOnThread } from '../../pkg/worker/node.js';

const PROMPTS = ['What is 2 + 2?', 'Which enzyme unwinds the DNA double helix?', 'Write a haiku about rails.', 'Prove that 7 is prime.'];
const LEARN = { shared: true, dimensions: 16, ridge: 1 };
const make = (options = {}) => createRouter({ tier: 'static', learn: LEARN, ...options });

/** How far two routers are apart in what they think of the prompts. */
async function apart(a, b) {
  let most = 0;
  for (const prompt of PROMPTS) {
    const [left, right] = [await a.route(prompt), await b.route(prompt)];
    left.scores.forEach((score, i) => { most = Math.max(most, Math.abs(score.quality - right.scores[i].quality)); });
  }
  return most;
}

test('two that share what they learned are one that heard it all', async () => {
  const [left, right, whole] = [await make(), await make(), await make()];
  for (const [i, prompt] of PROMPTS.entries()) {
    const router = i % 2 ? left : right;
    const { id } = await router.route(prompt);
    whole.feedback(router.receipt(id), { score: 0 });
    router.feedback(id, { score: 0 });
  }
  assert.ok(await apart(left, whole) > 1e-3);
  const sum = await mergeStates([left.drainState(), right.drainState()]);
  for (const router of [left, right]) {
    router.replaceState(sum);
    assert.ok(await apart(router, whole) < 1e-6);
  }
  assert.equal(left.drainState().length, sum.length, 'what was drained is not drained again');
  left.replaceState(left.drainState());
  assert.ok(await apart(left, await make()) < 1e-9, 'an empty state forgets all');
});

test('a receipt holds no text and is heard once', async () => {
  const [there, here] = [await make(), await make()];
  const receipt = there.receipt((await there.route(PROMPTS[1])).id);
  assert.doesNotMatch(Buffer.from(receipt).toString('latin1'), /enzyme/);
  here.feedback(receipt, { score: 1, usd: 0.001 });
  assert.throws(() => here.feedback(receipt, { score: 1 }), { code: 'BAD_INPUT', message: /had its score/ });
});

test('on a thread, all of it comes as promises', async (t) => {
  const router = await createOnThread({ tier: 'static', learn: LEARN });
  t.after(() => router[asyncDispose]());
  const { id } = await router.route(PROMPTS[0]);
  const receipt = await router.receipt(id);
  await router.feedback(receipt, { score: 0 });
  const state = await router.drainState();
  const sum = await mergeStates([state]);
  await router.replaceState(sum);
  assert.equal(sum.length, 0, 'its bytes were moved');
});

test('what does not fit is refused', async () => {
  const apart = await make({ learn: { dimensions: 16 } });
  assert.throws(() => apart.drainState(), { code: 'BAD_INPUT', message: /shared: true/ });
  assert.throws(() => apart.replaceState('x'), { code: 'BAD_INPUT' });
  assert.throws(() => apart.receipt(7), { code: 'BAD_INPUT' });
  assert.throws(() => apart.feedback(7, { score: 1 }), { code: 'BAD_INPUT' });
  assert.throws(() => apart.feedback(new Uint8Array(5), { score: 1 }), { code: 'BAD_INPUT', message: /no receipt/ });
  const other = await make({ learn: { dimensions: 8 } });
  await assert.rejects(mergeStates([apart.exportState(), other.exportState()]), { code: 'MISMATCH' });
  await assert.rejects(mergeStates([apart.exportState().subarray(1)]), { code: 'BAD_ARTIFACT' });
  await assert.rejects(mergeStates('x'), { code: 'BAD_INPUT' });
  await assert.rejects(mergeStates([]), { code: 'BAD_INPUT' });
});
