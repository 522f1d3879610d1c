/** Feedback teaches, and what was learned travels. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRouter } from '../../pkg/node.js';

const PROMPT = 'Which enzyme unwinds the DNA double helix?';
const QUALITY = { costWeight: 0 };

test('a candidate that disappoints loses its place, here and where the state is merged', async () => {
  const router = await createRouter({ seed: 1, learn: { ridge: 1 } });
  const first = await router.route(PROMPT, QUALITY);
  let decision = first;
  for (let round = 0; round < 30 && decision.model === first.model; round += 1) {
    router.feedback(decision.id, { score: 0, usd: decision.usd });
    decision = await router.route(PROMPT, QUALITY);
  }
  assert.notEqual(decision.model, first.model);
  const state = router.exportState();
  assert.ok(state.length < 400_000 * router.candidates.length);
  assert.ok(!Buffer.from(state).includes('enzyme'));

  const other = await createRouter({ seed: 2, learn: { ridge: 1 } });
  assert.equal((await other.route(PROMPT, QUALITY)).model, first.model);
  other.mergeState(state);
  assert.equal((await other.route(PROMPT, QUALITY)).model, decision.model);
});

test('exploring is drawn, and its probability is told', async () => {
  const router = await createRouter({ seed: 1, learn: { rule: 'thompson', explore: 1, dimensions: 32 } });
  const decisions = [];
  for (let round = 0; round < 40; round += 1) decisions.push(await router.route(PROMPT));
  assert.ok(decisions.some(({ reason }) => reason === 'explore'));
  assert.ok(decisions.every(({ propensity }) => propensity > 0 && propensity < 1));
  assert.equal((await router.route(PROMPT, { explore: 0 })).propensity, 1);
});

test('what cannot be learned from is refused', async () => {
  const router = await createRouter({ learn: {} });
  const { id } = await router.route(PROMPT);
  const refused = (call, message) => assert.throws(call, { code: 'BAD_INPUT', message });
  refused(() => router.feedback(id, { score: 2 }), /score/);
  refused(() => router.feedback(id, { score: '1' }), /feedback/);
  refused(() => router.feedback(id, {}), /feedback/);
  refused(() => router.feedback(id, { scores: 1 }), /unknown option "scores"/);
  refused(() => router.feedback(7, { score: 1 }), /id/);
  refused(() => router.feedback('nobody', { score: 1 }), /nobody/);
  refused(() => router.mergeState([]), /Uint8Array/);
  assert.throws(() => router.mergeState(new Uint8Array(100)), { code: 'BAD_ARTIFACT' });

  const plain = await createRouter();
  refused(() => plain.feedback(id, { score: 1 }), /does not learn/);
  refused(() => plain.exportState(), /does not learn/);
  await assert.rejects(plain.route(PROMPT, { explore: 1 }), { code: 'BAD_INPUT', message: /does not learn/ });
  for (const learn of [{ ridge: 0 }, { discount: 2 }, { explore: -1 }, { rule: 'luck' }, { dimensions: 0 }, { epsilon: 1 }, null]) {
    await assert.rejects(createRouter({ learn }), { code: 'BAD_INPUT' }, JSON.stringify(learn));
  }
});
