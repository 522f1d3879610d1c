/** A batch is planned as a whole. */

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createRouter } from '../../pkg/node.js';

const PROMPTS = [
  'What is 2 + 2?',
  'Prove that there are infinitely many primes of the form 4k + 3.',
  'Write a haiku about rain.',
  [{ role: 'user', content: 'Which enzyme unwinds the DNA double helix?' }],
  'Simplify (x^2 - 1) / (x - 1).',
];
const decided = [];
let router;
before(async () => {
  router = await createRouter({ seed: 1, onDecision: (decision) => decided.push(decision) });
});

test('a budget is kept and spent where it buys most', async () => {
  const { frontier } = await router.assign(PROMPTS, { costWeight: 1 });
  const [cheapest, best] = [frontier[0], frontier.at(-1)];
  assert.ok(frontier.every((point, i) => i === 0 || (point.usd > frontier[i - 1].usd && point.quality > frontier[i - 1].quality)));
  let quality = 0;
  for (const share of [0, 0.25, 0.5, 1]) {
    const budgetUsd = cheapest.usd + share * (best.usd - cheapest.usd);
    const plan = await router.assign(PROMPTS, { budgetUsd });
    assert.ok(plan.usd <= budgetUsd * (1 + 1e-12) && plan.quality >= quality);
    assert.ok(Math.abs(plan.usd - plan.picks.reduce((sum, pick) => sum + pick.usd, 0)) < 1e-12);
    quality = plan.quality;
  }
  assert.ok(Math.abs(quality - best.quality) < 1e-9);
});

test('an exchange rate gives each prompt what route gives it', async () => {
  decided.length = 0;
  const { picks } = await router.assign(PROMPTS, { costWeight: 0.3 });
  assert.deepEqual(decided, picks);
  for (const [i, pick] of picks.entries()) {
    const alone = await router.route(PROMPTS[i], { costWeight: 0.3 });
    const reason = alone.reason === 'low-confidence' ? alone.reason : 'assigned';
    assert.deepEqual([pick.model, pick.usd, pick.scores, pick.reason], [alone.model, alone.usd, alone.scores, reason]);
  }
});

test('limits hold for every prompt', async () => {
  const allow = router.candidates.slice(0, 2).map(({ id }) => id);
  const plan = await router.assign(PROMPTS, { minQuality: 0, allow });
  assert.ok(plan.picks.every(({ model }) => allow.includes(model)));
});

test('a goal that cannot be used is refused with its reason', async () => {
  const refused = (goal, code, message, inputs = PROMPTS) => assert.rejects(router.assign(inputs, goal), { code, message });
  await refused({ budgetUsd: 0 }, 'INFEASIBLE', /costs at least \$0\.\d+ and at its best \$0\.\d+/);
  await refused({ minQuality: 1 }, 'INFEASIBLE', /reaches a mean of 0\.\d+ at its cheapest and 0\.\d+ at its best/);
  await refused({}, 'BAD_INPUT', /exactly one of budgetUsd, minQuality, costWeight/);
  await refused({ budgetUsd: 1, costWeight: 1 }, 'BAD_INPUT', /exactly one/);
  await refused({ budget: 1 }, 'BAD_INPUT', /unknown option "budget"/);
  await refused({ budgetUsd: -1 }, 'BAD_INPUT', /budgetUsd/);
  await refused({ budgetUsd: '1' }, 'BAD_INPUT', /goal/);
  await refused({ budgetUsd: 1 }, 'BAD_INPUT', /batch is empty/, []);
  await refused({ budgetUsd: 1 }, 'BAD_INPUT', /list of prompts/, 'hello');
  await refused({ budgetUsd: 1, allow: ['nobody'] }, 'BAD_INPUT', /not a candidate/);
});
