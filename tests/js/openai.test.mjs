/** The real `openai` SDK and LangChain, with `routedFetch`, against a stub upstream: what arrives, and what comes back. */

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ChatOpenAI } from '@langchain/openai';
import OpenAI from 'openai';
import { createRouter } from '../../pkg/node.js';
import { routedFetch } from '../../pkg/adapters/openai.js';
import { startUpstream } from './support/upstream.mjs';

const PROMPT = 'Which enzyme unwinds the DNA double helix?';
const MESSAGES = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: PROMPT }];
const TOOLS = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }];
const PICTURE = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };

let router;
let best;
before(async () => {
  router = await createRouter();
  best = (await router.route(PROMPT)).model;
});

/** An upstream, and SDK clients of it with and without the router in front. */
async function start(t, options, settings) {
  const upstream = await startUpstream(t);
  const common = { apiKey: 'key', baseURL: upstream.url, maxRetries: 0, ...settings };
  const client = new OpenAI({ ...common, fetch: routedFetch(router, options) });
  return { ...upstream, client, plain: new OpenAI(common) };
}

const CALLS = {
  'a chat': (client, model) => client.chat.completions.create({ model, messages: MESSAGES, temperature: 0.5, seed: 7 }),
  'a chat with tools': (client, model) => client.chat.completions.create({ model, messages: MESSAGES, tools: TOOLS }),
  'a chat with a picture': (client, model) => (
    client.chat.completions.create({ model, messages: [{ role: 'user', content: [{ type: 'text', text: PROMPT }, PICTURE] }] })
  ),
  'a chat that wants JSON': (client, model) => (
    client.chat.completions.create({ model, messages: MESSAGES, response_format: { type: 'json_object' }, max_completion_tokens: 999 })
  ),
  'a response': (client, model) => client.responses.create({ model, input: PROMPT, instructions: 'Be brief.' }),
  'a response to items': (client, model) => (
    client.responses.create({ model, input: [{ role: 'user', content: [{ type: 'input_text', text: PROMPT }] }], max_output_tokens: 999 })
  ),
};

for (const [name, ask] of Object.entries(CALLS)) {
  test(`${name} arrives as the SDK alone would have sent it to the decided candidate`, async (t) => {
    const { client, plain, requests } = await start(t);
    const answer = await ask(client, 'auto');
    assert.deepEqual(answer, await ask(plain, best));
    const [routed, direct] = requests;
    assert.equal(routed.body, direct.body);
    assert.equal(routed.path, direct.path);
    for (const header of ['authorization', 'content-type', 'content-length', 'user-agent', 'accept']) {
      assert.equal(routed.headers[header], direct.headers[header], header);
    }
  });
}

test('the decision is in the headers of the response, and with onDecision', async (t) => {
  const seen = [];
  const { client } = await start(t, { onDecision: (...args) => seen.push(args) });
  const { data, response, request_id } = await client.chat.completions.create({ model: 'auto', messages: MESSAGES }).withResponse();
  const [[decision, body]] = seen;
  assert.equal(data.choices[0].message.content, `${best} heard: ${PROMPT}`);
  assert.equal(response.headers.get('x-pointsman-model'), decision.model);
  assert.equal(response.headers.get('x-pointsman-decision'), decision.id);
  assert.equal(response.headers.get('x-pointsman-reason'), decision.reason);
  assert.equal(response.headers.has('x-pointsman-failed'), false);
  assert.deepEqual([response.status, request_id, new URL(response.url).pathname], [200, 'stub', '/v1/chat/completions']);
  assert.deepEqual([decision.scores.length, body.messages], [router.candidates.length, MESSAGES]);
});

test('a streamed chat comes piece by piece, before the upstream has ended', async (t) => {
  const { client, faults } = await start(t);
  let release;
  faults.set(best, { hold: new Promise((resolve) => { release = resolve; }) });
  const stream = await client.chat.completions.create({ model: 'auto', messages: MESSAGES, stream: true });
  let text = '';
  for await (const { choices: [{ delta }] } of stream) {
    release(); // the upstream goes on only once its first piece was read
    text += delta.content ?? '';
  }
  assert.equal(text, `${best} heard: ${PROMPT}`);
});

test('a streamed response and a streamed tool call come through', async (t) => {
  const { client } = await start(t);
  let text = '';
  for await (const event of await client.responses.create({ model: 'auto', input: PROMPT, stream: true })) text += event.delta ?? '';
  assert.equal(text, `${best} heard: ${PROMPT}`);
  const message = await client.chat.completions.stream({ model: 'auto', messages: MESSAGES, tools: TOOLS }).finalMessage();
  assert.equal(message.tool_calls[0].function.name, 'weather');
});

test('the SDK’s parsing of structured output works', async (t) => {
  const { client } = await start(t);
  const schema = { type: 'object', properties: { model: { type: 'string' }, said: { type: 'string' } }, required: ['model', 'said'], additionalProperties: false };
  const answer = await client.chat.completions.parse({
    model: 'auto', messages: MESSAGES, response_format: { type: 'json_schema', json_schema: { name: 'heard', strict: true, schema } },
  });
  assert.deepEqual(JSON.parse(answer.choices[0].message.content), { model: best, said: PROMPT });
});

test('LangChain is routed through configuration.fetch, streamed or not, with its tools bound', async (t) => {
  const { url, models } = await startUpstream(t);
  const settings = { model: 'auto', apiKey: 'key', maxRetries: 0, configuration: { baseURL: url, fetch: routedFetch(router) } };
  const chat = new ChatOpenAI(settings);
  assert.equal((await chat.invoke(PROMPT)).content, `${best} heard: ${PROMPT}`);
  let text = '';
  for await (const chunk of await chat.stream(PROMPT)) text += chunk.content;
  assert.equal(text, `${best} heard: ${PROMPT}`);
  const { tool_calls: [call] } = await chat.bindTools(TOOLS).invoke(PROMPT);
  assert.deepEqual([call.name, call.args], ['weather', { city: 'Paris' }]);
  const viaResponses = await new ChatOpenAI({ ...settings, useResponsesApi: true }).invoke(PROMPT);
  assert.equal(viaResponses.text, `${best} heard: ${PROMPT}`);
  assert.deepEqual(models(), Array(4).fill(best));
});

test('fifty requests at once each get their own answer and decision', async (t) => {
  const decisions = new Map();
  const { client, requests } = await start(t, { onDecision: (decision, body) => decisions.set(body.messages[0].content, decision) });
  const prompts = Array.from({ length: 50 }, (_, number) => `What is ${number} times ${number * 7}? Explain in ${number} words.`);
  await Promise.all(prompts.map(async (content, number) => {
    const request = { model: 'auto', messages: [{ role: 'user', content }], stream: number % 2 === 0 };
    const { data, response } = await client.chat.completions.create(request).withResponse();
    let text = data.choices?.[0].message.content ?? '';
    if (request.stream) for await (const chunk of data) text += chunk.choices[0].delta.content ?? '';
    const { id, model } = decisions.get(content);
    assert.equal(text, `${model} heard: ${content}`);
    assert.deepEqual([response.headers.get('x-pointsman-model'), response.headers.get('x-pointsman-decision')], [model, id]);
  }));
  assert.equal(requests.length, 50);
  assert.equal(new Set([...decisions.values()].map(({ id }) => id)).size, 50);
});

test('a request that cannot be routed is not sent, and clients throw its code at once', async (t) => {
  const decisions = [];
  const { url, requests } = await start(t);
  const fetch = routedFetch(router, { policy: () => { decisions.push(1); return { maxUsd: 0 }; } });
  const client = new OpenAI({ apiKey: 'key', baseURL: url, fetch }); // with the SDK's own retries
  const refused = await client.chat.completions.create({ model: 'auto', messages: MESSAGES }).catch((error) => error);
  assert.ok(refused instanceof OpenAI.BadRequestError);
  assert.deepEqual([refused.code, refused.type, decisions.length], ['NO_ELIGIBLE', 'pointsman_error', 1]);
  assert.match(refused.message, /maxUsd|limits|USD/);
  const empty = client.chat.completions.create({ model: 'auto', messages: [] });
  await assert.rejects(empty, { status: 400, code: 'BAD_INPUT' });
  decisions.length = 0;
  const chat = new ChatOpenAI({ model: 'auto', apiKey: 'key', configuration: { baseURL: url, fetch } });
  await assert.rejects(chat.invoke(PROMPT), { code: 'NO_ELIGIBLE' });
  assert.deepEqual([decisions.length, requests], [1, []]);
});

test('an upstream’s error is the SDK’s own, with the decision in its headers', async (t) => {
  const { client, faults } = await start(t);
  faults.set(best, { status: 400 });
  const error = await client.chat.completions.create({ model: 'auto', messages: MESSAGES }).catch((caught) => caught);
  assert.ok(error instanceof OpenAI.BadRequestError);
  assert.equal(error.headers.get('x-pointsman-model'), best);
  assert.match(error.message, /told to fail/);
});

test('without fallback the SDK tries again by itself, and decides again', async (t) => {
  let decisions = 0;
  const { client, faults, models } = await start(t, { onDecision: () => { decisions += 1; } }, { maxRetries: 1 });
  faults.set(best, { status: 503, headers: { 'retry-after-ms': '1' } });
  await assert.rejects(client.chat.completions.create({ model: 'auto', messages: MESSAGES }), { status: 503 });
  assert.deepEqual(models(), [best, best]);
  assert.equal(decisions, 2);
});

test('with fallback the next candidate answers, in the order of the ranking', async (t) => {
  const { client, faults, models } = await start(t, { fallback: true });
  const ranked = (await router.rank(PROMPT)).map(({ model }) => model);
  for (const model of ranked.slice(0, 2)) faults.set(model, { status: 429 });
  const { data, response } = await client.chat.completions.create({ model: 'auto', messages: MESSAGES }).withResponse();
  assert.equal(data.choices[0].message.content, `${ranked[2]} heard: ${PROMPT}`);
  assert.deepEqual(models(), ranked.slice(0, 3));
  assert.equal(response.headers.get('x-pointsman-model'), ranked[2]);
  assert.equal(response.headers.get('x-pointsman-failed'), ranked.slice(0, 2).join(', '));
});

test('an aborted call reaches the upstream, and no other candidate is asked', async (t) => {
  const { client, faults, requests } = await start(t, { fallback: true });
  faults.set(best, { hang: true });
  const controller = new AbortController();
  const pending = client.chat.completions.create({ model: 'auto', messages: MESSAGES }, { signal: controller.signal });
  while (requests.length === 0) await new Promise((resolve) => { setTimeout(resolve, 5); });
  controller.abort();
  await assert.rejects(pending, OpenAI.APIUserAbortError);
  await requests[0].closed;
  assert.equal(requests.length, 1);
});

test('the SDK’s timeout ends a call to a silent candidate', async (t) => {
  const { client, faults, requests } = await start(t, { fallback: true }, { timeout: 2000 });
  faults.set(best, { hang: true });
  await assert.rejects(client.chat.completions.create({ model: 'auto', messages: MESSAGES }), OpenAI.APIConnectionTimeoutError);
  assert.equal(requests.length, 1);
});
