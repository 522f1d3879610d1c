/** A user's own line-up works on the default router from the first minute. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRouter } from '../../pkg/node.js';

const PROMPT = 'Which enzyme unwinds the DNA double helix?';
const QUALITY = { costWeight: 0 };
const NEW = { id: 'new', usdPerMtokIn: 1, usdPerMtokOut: 4 };
const code = (expected) => (error) => error.code === expected;

test('candidates leave, get other prices, and come without logs', async () => {
  const shipped = await createRouter();
  const [cheap, , , , , dear] = shipped.candidates;
  const router = await createRouter({
    candidates: [{ id: dear.id }, { ...NEW, contextTokens: 128_000, scores: { gsm8k: 97, mmlu_pro: 84 } }, { id: cheap.id, usdPerMtokIn: 7 }],
  });
  assert.deepEqual(router.candidates.map(({ id }) => id), [dear.id, 'new', cheap.id]);
  assert.equal(router.candidates[2].usdPerMtokIn, 7);
  assert.equal(router.candidates[0].usdPerMtokOut, dear.usdPerMtokOut);
  const quality = async (from, id) => (await from.route(PROMPT)).scores.find(({ model }) => model === id);
  assert.equal((await quality(router, dear.id)).quality, (await quality(shipped, dear.id)).quality);
  const placed = await quality(router, 'new');
  assert.ok(placed.quality > (await quality(router, cheap.id)).quality && placed.spread > 0);
});

test('a better score places a candidate higher', async () => {
  const score = async (percent) => {
    const router = await createRouter({ candidates: [{ id: 'gpt-4o-2024-05-13' }, { ...NEW, scores: { 'mmlu_pro/biology': percent } }] });
    return (await router.route(PROMPT, QUALITY)).scores[1].quality;
  };
  assert.ok((await score(90)) > (await score(60)));
});

test('nothing is placed on a guess', async () => {
  const create = (candidate) => createRouter({ candidates: [candidate] });
  await assert.rejects(create(NEW), (error) => error.code === 'BAD_INPUT' && error.message.includes('zeroeval/gsm8k'));
  await assert.rejects(create({ id: 'new', scores: { gsm8k: 0.5 } }), /usdPerMtokIn/);
  await assert.rejects(create({ ...NEW, scores: { nothing: 0.5 } }), /nothing/);
  await assert.rejects(create({ ...NEW, price: 1 }), code('BAD_INPUT'));
  await assert.rejects(createRouter({ candidates: 'new' }), code('BAD_INPUT'));
  await assert.rejects(createRouter({ candidates: [] }), (error) => error.code !== undefined);
  await assert.rejects(createRouter({ candidates: [{ id: 'gpt-4o-2024-05-13', usdPerMtokIn: 9 }], policy: { minQuality: 0.6 } }), code('BAD_INPUT'));
});
