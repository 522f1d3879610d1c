/** Budgets, pins, sessions, and prompts as they really are; and a decision in words. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { createRouter, explain } from '../../pkg/node.js';

const PROMPT = 'Which enzyme unwinds the DNA double helix?';
const QUALITY = { costWeight: 0 };
const PICTURE = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
const code = (expected) => (error) => error.code === expected;

let router;
before(async () => {
  router = await createRouter({ seed: 1 });
});

test('a running budget holds whatever answers cost, and says when it is spent', async () => {
  const { usd } = await router.route(PROMPT, QUALITY);
  const limited = await createRouter({ seed: 1, budgetUsd: 10 * usd });
  let spent = 0;
  let refused = 0;
  for (let call = 0; call < 60; call += 1) {
    try {
      const decision = await limited.route(PROMPT, QUALITY);
      const paid = decision.usd * (call % 3) * 0.5;
      limited.feedback(decision.id, { usd: paid });
      spent += paid;
    } catch (error) {
      assert.equal(error.code, 'NO_ELIGIBLE');
      assert.match(error.message, /left of the budget/);
      refused += 1;
    }
    const { limitUsd, committedUsd } = limited.stats().budget;
    assert.ok(committedUsd <= limitUsd && Math.abs(committedUsd - spent) < 1e-12);
  }
  assert.equal(router.stats().budget, undefined);
  assert.ok(spent > 0);
  const poor = await createRouter({ budgetUsd: 0 });
  await assert.rejects(poor.route(PROMPT), code('NO_ELIGIBLE'));
  await assert.rejects(createRouter({ budgetUsd: -1 }), code('BAD_INPUT'));
  await assert.rejects(createRouter({ budgetUsd: '1' }), code('BAD_INPUT'));
  assert.ok(refused < 60);
});

test('a pin wins over quality, and limits win over a pin', async () => {
  const [{ id }] = router.candidates;
  const decision = await router.route(PROMPT, { pin: id });
  assert.deepEqual([decision.model, decision.reason], [id, 'pinned']);
  await assert.rejects(router.route(PROMPT, { pin: id, needs: ['telepathy'] }), code('NO_ELIGIBLE'));
  await assert.rejects(router.route(PROMPT, { pin: 'nobody' }), code('BAD_INPUT'));
});

test('a session makes its candidate cheaper by what its cache holds', async () => {
  const chat = [{ role: 'system', content: 'You know all of biology. '.repeat(200) }, { role: 'user', content: PROMPT }];
  const first = await router.route(chat, { ...QUALITY, session: 'a' });
  const second = await router.route(chat, { ...QUALITY, session: 'a' });
  const other = await router.route(chat, { ...QUALITY, session: 'b' });
  assert.equal(second.model, first.model);
  assert.ok(second.usd < first.usd && other.usd === first.usd);
});

test('pictures alone go to the strongest candidate and say why', async () => {
  const decision = await router.route([{ role: 'user', content: [PICTURE] }]);
  assert.equal(decision.reason, 'no-text');
  const { model } = await router.route(PROMPT, QUALITY);
  assert.equal(typeof model, 'string');
  await assert.rejects(router.embed([[{ role: 'user', content: [PICTURE] }]]), code('BAD_INPUT'));
  await assert.rejects(router.route([{ role: 'user', content: [PICTURE] }], { needs: ['vision'] }), code('NO_ELIGIBLE'));
});

test('what a harness wraps around a request does not decide', async () => {
  const noise = `<environment_details>\nVisible files: ${'src/main.rs '.repeat(50)}\n</environment_details>`;
  const [bare, wrapped] = [PROMPT, `${noise}\n${PROMPT}`].map((content) => router.route([{ role: 'user', content }]));
  const qualities = async (decision) => (await decision).scores.map(({ quality }) => quality);
  assert.deepEqual(await qualities(wrapped), await qualities(bare));
  assert.ok((await wrapped).usd > (await bare).usd);
});

test('no language but English is routed on a guess', async () => {
  const { foreign } = JSON.parse(await readFile(new URL('../data/languages.json', import.meta.url), 'utf8'));
  const texts = Object.values(foreign).flat();
  const reasons = await Promise.all(texts.map(async (text) => (await router.route(text)).reason));
  assert.deepEqual(texts.filter((_, i) => reasons[i] !== 'low-confidence'), []);
});

test('the end of a long prompt counts as its beginning does', async () => {
  const story = 'The weather was fine and everyone went for a walk along the river. '.repeat(60);
  const [without, withEnd] = [story, `${story}\n${PROMPT}`];
  assert.ok((await router.route(withEnd)).truncated);
  assert.notDeepEqual(await router.embed(withEnd), await router.embed(without));
  const [middle, other] = ['It rained.', 'It snowed.'].map((words) => `${story}${words} ${story}`);
  assert.deepEqual(await router.embed(middle), await router.embed(other));
});

test('a decision can be read', async () => {
  const decision = await router.route(PROMPT, { allow: router.candidates.slice(1).map(({ id }) => id), costWeight: 0.1 });
  const words = explain(decision).split('\n');
  assert.match(words[0], new RegExp(`^${decision.model}: it has the greatest utility`));
  assert.equal(words.length, 1 + router.candidates.length);
  assert.match(words[1], /^> .*quality \d+\.\d% \(spread \d+\.\d%\), \$[\d.e-]+, utility/);
  assert.match(words.at(-1), new RegExp(`${router.candidates[0].id}.*; out: not allowed$`));
});
