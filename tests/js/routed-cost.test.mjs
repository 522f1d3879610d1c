/** What a request through `routedFetch` may cost: all that the upstream reads, the longest answer, every candidate that is asked. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routedFetch } from '../../pkg/adapters/openai.js';
import { PointsmanError, createRouter } from '../../pkg/node.js';
import { CHAT, inner, messages, post } from './support/inner.mjs';
import { planted } from './support/planted.mjs';

const schema = { type: 'object', properties: { sky: { type: 'string', maxLength: 9 } } };
const BESIDE = {
  'tools': [{ messages, tools: [{ type: 'function', function: { name: 'weather', description: 'Looks out', parameters: schema } }] }, /weather.*Looks out.*sky|sky.*Looks out.*weather/],
  'tools with a text as input': [{ input: 'Hello', tools: [{ name: 'weather' }] }, /weather/],
  'a schema': [{ messages, response_format: { type: 'json_schema', json_schema: { schema } } }, /sky/],
  'a schema in responses': [{ input: messages, text: { format: { type: 'json_schema', schema } } }, /9.*sky|sky.*9/],
  'what a tool was called with': [{ messages: [...messages, { role: 'assistant', content: null, tool_calls: [{ function: { arguments: '{"city":"Paris"}' } }] }] }, /Paris/],
  'functions': [{ messages, functions: [{ name: 'weather' }] }, /weather/],
};

for (const [name, [body, pattern]] of Object.entries(BESIDE)) {
  test(`what is paid for and decides nothing: ${name}`, async () => {
    const router = planted();
    await routedFetch(router, { fetch: inner() })(CHAT, post(JSON.stringify({ model: 'auto', ...body })));
    const [said, beside] = [router.asked[0].input[0], router.asked[0].input.at(-1)];
    assert.deepEqual([said, beside.role], [messages[0], 'system']);
    assert.match(beside.content, pattern);
  });
}

test('a picture is not text that is paid for', async () => {
  const router = planted();
  const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(99)}` } };
  const chat = [{ role: 'user', content: [image, { type: 'text', text: 'Hello' }] }];
  await routedFetch(router, { fetch: inner() })(CHAT, post(JSON.stringify({ model: 'auto', messages: chat })));
  assert.deepEqual(router.asked[0].input, chat);
});

const LONGEST = {
  'none': [{}, undefined],
  'one': [{ max_tokens: 5 }, 5],
  'the greatest of several, since upstreams differ in which they heed': [{ max_tokens: 50, max_completion_tokens: 5 }, 50],
  'what is no length is none': [{ max_completion_tokens: 'many', max_tokens: 5, max_output_tokens: -1 }, 5],
  'several answers': [{ max_completion_tokens: 5, n: 3 }, 15],
  'several answers of no limit': [{ n: 3 }, undefined],
  'an odd number of answers': [{ max_tokens: 5, n: '3' }, 5],
};

for (const [name, [body, most]] of Object.entries(LONGEST)) {
  test(`the longest answer: ${name}`, async () => {
    const router = planted();
    await routedFetch(router, { fetch: inner() })(CHAT, post(JSON.stringify({ model: 'auto', messages, ...body })));
    assert.equal(router.asked[0].options.maxOutputTokens, most);
  });
}

test('fallback: every further candidate has a decision of its own, and the answer has that of who gave it', async () => {
  const [router, seen] = [planted(), []];
  let made = 0;
  const route = async (...asked) => ({ ...await router.route(...asked), id: `d${made += 1}` });
  const fetch = inner(new Response('{}', { status: 500 }), new Response('{}', { status: 500 }));
  const policy = { costWeight: 0.5 };
  const response = await routedFetch({ ...router, route }, { fetch, fallback: true, policy, onDecision: ({ id }) => seen.push(id) })(CHAT, post());
  assert.deepEqual(router.asked.map(({ options }) => options.pin), [undefined, 'second', 'third']);
  assert.ok(router.asked.every(({ input, options }) => options.costWeight === 0.5 && input[0].content === 'Hello'));
  assert.deepEqual([response.headers.get('x-pointsman-decision'), response.headers.get('x-pointsman-model')], ['d3', 'third']);
  assert.deepEqual(seen, ['d1', 'd2', 'd3']);
});

test('fallback: who cannot be decided on is passed over, and where that is all, the failure comes back', async () => {
  const without = (...barred) => {
    const router = planted();
    const route = async (input, options) => {
      if (barred.includes(options.pin)) throw new PointsmanError('NO_ELIGIBLE', 'too dear');
      return router.route(input, options);
    };
    return { ...router, route };
  };
  for (const [router, asked, status] of [[without('second'), ['first', 'third'], 200], [without('second', 'third'), ['first'], 503]]) {
    const fetch = inner(new Response('{"the":"failure"}', { status: 503 }), new Response('{"the":"answer"}'));
    const response = await routedFetch(router, { fetch, fallback: 1 })(CHAT, post());
    assert.deepEqual([fetch.sent.map(({ init }) => JSON.parse(init.body).model), response.status], [asked, status]);
    assert.ok((await response.json()).the);
  }
});

test('fallback: a running budget pays for every question', async () => {
  const router = await createRouter({ tier: 'static', budgetUsd: 0.05 });
  const price = Object.fromEntries(router.candidates.map(({ id, usdPerMtokOut }) => [id, usdPerMtokOut / 1e6]));
  let charged = 0;
  const fetch = async (_, { body }) => {
    charged += 1000 * price[JSON.parse(body).model];
    return new Response('{}', { status: 500 });
  };
  const routed = routedFetch(router, { fetch, fallback: true });
  for (let call = 0; call < 20; call += 1) {
    await routed(CHAT, post(JSON.stringify({ model: 'auto', messages, max_tokens: 1000 })));
    const { committedUsd, limitUsd } = router.stats().budget;
    assert.ok(charged <= committedUsd && committedUsd <= limitUsd, `${charged} was charged, ${committedUsd} committed`);
  }
  assert.ok(charged > 0.04, 'the budget was used');
});
