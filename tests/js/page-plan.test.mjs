/** The page's own front, from scores alone, is the router's: no worse at any point, and as good at its best. */

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createRouter } from '../../pkg/node.js';
import { csvOf, jsonLinesOf, readPrompts } from '../../www/batch-file.js';
import { bestOf, frontOf, pickAt, picksAt, rateOf, singlesOf, totals } from '../../www/plan.js';
import { PROMPTS } from '../../www/prompts.js';

let router;
let plan;
let batch;
before(async () => {
  router = await createRouter({ seed: 1 });
  plan = await router.assign(PROMPTS, { costWeight: 1 });
  batch = plan.picks.map(({ scores }) => scores);
});

test('every point of the front costs and is worth what the router plans for that money', async () => {
  const front = frontOf(batch);
  assert.ok(front.points.length > 20, `${front.points.length} points`);
  for (const place of [0, 1, 10, Math.floor(front.points.length / 2), front.points.length - 1]) {
    const point = front.points[place];
    const again = totals(picksAt(front, place));
    assert.ok(near(again.usd, point.usd) && near(again.quality, point.quality), `picks at ${place}`);
    const { quality } = await router.assign(PROMPTS, { budgetUsd: point.usd * (1 + 1e-9) });
    assert.ok(near(quality, point.quality), `at ${point.usd}: ${quality} and ${point.quality}`);
  }
});

test('at a weight of cost it picks what the router picks', async () => {
  for (const costWeight of [0, 0.01, 0.3, 5]) {
    const { picks } = await router.assign(PROMPTS, { costWeight });
    const own = plan.picks.map((pick) => pickAt(pick.scores, costWeight * rateOf(pick)).model);
    assert.deepEqual(own, picks.map(({ model }) => model), String(costWeight));
  }
});

test('single candidates are on or below the front', () => {
  const { points } = frontOf(batch);
  const singles = singlesOf(batch);
  assert.deepEqual(singles.map(({ model }) => model), router.candidates.map(({ id }) => id));
  for (const { model, usd, quality } of singles) {
    const reached = points.filter((point) => point.usd <= usd + 1e-12).map((point) => point.quality);
    assert.ok(Math.max(...reached, 0) >= quality - 0.01 || usd < points[0].usd, model);
  }
  assert.ok(bestOf(singles).quality <= points.at(-1).quality + 1e-12);
});

test('a candidate that may not answer is never picked', () => {
  const scores = [
    { model: 'barred', quality: 1, usd: 0, ineligible: 'context' },
    { model: 'cheap', quality: 0.5, usd: 1 },
    { model: 'dear', quality: 0.9, usd: 2 },
  ];
  const front = frontOf([scores]);
  assert.deepEqual(front.points, [{ usd: 1, quality: 0.5 }, { usd: 2, quality: 0.9 }]);
  assert.equal(pickAt(scores, 0).model, 'dear');
  assert.deepEqual(singlesOf([scores]).map(({ model }) => model), ['cheap', 'dear']);
});

test('prompts are read line by line or as JSON lines, and a plan is written so that it can be read', () => {
  assert.deepEqual(readPrompts('one\r\n\n two \n'), { prompts: ['one', 'two'], empty: 1 });
  assert.deepEqual(readPrompts('{"prompt": "a\\nb"}\n{"prompt": "c", "id": 1}').prompts, ['a\nb', 'c']);
  assert.throws(() => readPrompts('{"prompt": "a"}\n\nplain'), /Line 3 is no valid JSON/);
  assert.throws(() => readPrompts('{"prompt": "a"}\n{"text": "b"}'), /Line 2 has no "prompt"/);
  assert.throws(() => readPrompts(' \n'), /no prompt yet/);
  assert.throws(() => readPrompts('x\n'.repeat(20_001)), /20,001 prompts are more than the 20,000/);
  const rows = [{ prompt: 'say "hi",\nplease', model: 'm', usd: 1e-7, quality: 0.5 }];
  assert.equal(csvOf(rows), 'prompt,model,usd,quality\r\n"say ""hi"",\nplease","m",1e-7,0.5\r\n');
  assert.deepEqual(JSON.parse(jsonLinesOf(rows)), rows[0]);
});

function near(a, b) {
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a));
}
