/** The real AI SDK, versions 6 and 7, with `routedModel` over a real provider, against a stub upstream. */

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as ai6 from 'ai6';
import * as ai7 from 'ai7';
import { createOpenAICompatible as provider6 } from 'provider6';
import { createOpenAICompatible as provider7 } from 'provider7';
import { z } from 'zod';
import { createRouter, PointsmanError } from '../../pkg/node.js';
import { routedModel } from '../../pkg/adapters/ai-sdk.js';
import { startUpstream } from './support/upstream.mjs';

const PROMPT = 'Which enzyme unwinds the DNA double helix?';
const PICTURE = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

let router;
let ranked;
let best;
before(async () => {
  router = await createRouter();
  ranked = (await router.rank(PROMPT)).map(({ model }) => model);
  best = (await router.route(PROMPT)).model;
});

for (const [version, sdk, createProvider] of [[6, ai6, provider6], [7, ai7, provider7]]) {
  const { generateText, streamText, Output, stepCountIs, tool } = sdk;

  /** An upstream, and one language model in front of a model of it for every candidate. */
  async function start(t, options) {
    const upstream = await startUpstream(t);
    const provider = createProvider({ name: 'stub', baseURL: upstream.url, supportsStructuredOutputs: true });
    const delegates = Object.fromEntries(router.candidates.map(({ id }) => [id, provider(id)]));
    return { ...upstream, delegates, model: routedModel(router, delegates, options) };
  }

  const of = (title, body) => test(`AI SDK ${version}: ${title}`, body);

  of('generateText goes to the decided candidate and says so', async (t) => {
    const seen = [];
    const { model, delegates, requests } = await start(t, { onDecision: (...args) => seen.push(args) });
    const { text, providerMetadata } = await generateText({ model, prompt: PROMPT, system: 'Be brief.', temperature: 0.5 });
    const [[{ id, reason, propensity, usd, scores }, call]] = seen;
    assert.equal(text, `${best} heard: ${PROMPT}`);
    assert.deepEqual(providerMetadata.pointsman, { id, model: best, reason, propensity, usd, failed: [] });
    assert.deepEqual([scores.length, call.temperature, call.prompt.length], [router.candidates.length, 0.5, 2]);
    await generateText({ model: delegates[best], prompt: PROMPT, system: 'Be brief.', temperature: 0.5 });
    assert.equal(requests[0].body, requests[1].body);
  });

  of('what the provider itself says stays beside it', async (t) => {
    const { model } = await start(t);
    const { providerMetadata, response, usage } = await generateText({ model, prompt: PROMPT });
    assert.deepEqual(Object.keys(providerMetadata).sort(), ['pointsman', 'stub']);
    assert.deepEqual([response.modelId, usage.totalTokens], [best, 2]);
  });

  of('streamText streams, and its last part says who answered', async (t) => {
    const { model, faults } = await start(t);
    let release;
    faults.set(best, { hold: new Promise((resolve) => { release = resolve; }) });
    const { textStream, providerMetadata, finishReason } = streamText({ model, prompt: PROMPT });
    let text = '';
    for await (const piece of textStream) {
      release(); // the upstream goes on only once its first piece was read
      text += piece;
    }
    assert.equal(text, `${best} heard: ${PROMPT}`);
    assert.equal(await finishReason, 'stop');
    assert.equal((await providerMetadata).pointsman.model, best);
  });

  of('tools are called, and their results sent back, streamed or not', async (t) => {
    const { model, models } = await start(t);
    const weather = tool({ inputSchema: z.object({ city: z.string() }), execute: async ({ city }) => `rain in ${city}` });
    const request = { model, prompt: PROMPT, tools: { weather }, stopWhen: stepCountIs(3) };
    const { text, steps } = await generateText(request);
    assert.equal(text, `${best} heard: rain in Paris`);
    assert.deepEqual(steps.map(({ providerMetadata }) => providerMetadata.pointsman.model), [best, best]);
    assert.equal(await streamText(request).text, text);
    assert.deepEqual(models(), Array(4).fill(best));
  });

  of('structured output and pictures arrive', async (t) => {
    const { model, requests } = await start(t);
    const content = [{ type: 'text', text: PROMPT }, { type: 'image', image: PICTURE }];
    const output = Output.object({ schema: z.object({ model: z.string(), said: z.string() }) });
    const result = await generateText({ model, messages: [{ role: 'user', content }], output });
    assert.deepEqual(result.output, { model: best, said: PROMPT });
    assert.equal(requests[0].json.response_format.type, 'json_schema');
    assert.equal(requests[0].json.messages[0].content[1].type, 'image_url');
  });

  of('where a candidate fails, the next of the ranking answers', async (t) => {
    const { model, faults, models } = await start(t);
    faults.set(ranked[0], { status: 503 }).set(ranked[1], { drop: true });
    const { text, providerMetadata } = await generateText({ model, prompt: PROMPT, maxRetries: 0 });
    assert.equal(text, `${ranked[2]} heard: ${PROMPT}`);
    assert.deepEqual([providerMetadata.pointsman.model, providerMetadata.pointsman.failed], [ranked[2], ranked.slice(0, 2)]);
    const streamed = streamText({ model, prompt: PROMPT, maxRetries: 0 });
    assert.equal(await streamed.text, text);
    assert.deepEqual((await streamed.providerMetadata).pointsman.failed, ranked.slice(0, 2));
    assert.deepEqual(models(), [...ranked.slice(0, 3), ...ranked.slice(0, 3)]);
  });

  of('fallback can be limited and turned off', async (t) => {
    for (const [fallback, asked] of [[1, 2], [false, 1]]) {
      const { model, faults, models } = await start(t, { fallback });
      for (const id of ranked) faults.set(id, { status: 429 });
      await assert.rejects(generateText({ model, prompt: PROMPT, maxRetries: 0 }), { statusCode: 429 });
      assert.deepEqual(models(), ranked.slice(0, asked));
    }
  });

  of('a request’s own fault is not tried elsewhere', async (t) => {
    const { model, faults, models } = await start(t);
    faults.set(best, { status: 400 });
    await assert.rejects(generateText({ model, prompt: PROMPT }), { name: 'AI_APICallError', statusCode: 400 });
    assert.deepEqual(models(), [best]);
  });

  of('a request that cannot be routed is a PointsmanError, and is not sent', async (t) => {
    const { model, requests } = await start(t, { policy: { maxUsd: 0 } });
    await assert.rejects(generateText({ model, prompt: PROMPT }), (error) => error instanceof PointsmanError && error.code === 'NO_ELIGIBLE');
    const errors = [];
    await streamText({ model, prompt: PROMPT, onError: ({ error }) => errors.push(error) }).consumeStream();
    assert.deepEqual(errors.map(({ code }) => code), ['NO_ELIGIBLE']);
    assert.deepEqual(requests, []);
  });

  of('an aborted call ends at the upstream, and no other candidate is asked', async (t) => {
    const { model, faults, requests } = await start(t);
    faults.set(best, { hang: true });
    const controller = new AbortController();
    const pending = generateText({ model, prompt: PROMPT, abortSignal: controller.signal });
    while (requests.length === 0) await new Promise((resolve) => { setTimeout(resolve, 5); });
    controller.abort();
    await assert.rejects(pending, { name: 'AbortError' });
    await requests[0].closed;
    assert.equal(requests.length, 1);
  });

  of('fifty requests at once each get their own answer and decision', async (t) => {
    const decisions = new Map();
    const { model } = await start(t, { onDecision: (decision, call) => decisions.set(call.prompt[0].content[0].text, decision) });
    const prompts = Array.from({ length: 50 }, (_, number) => `What is ${number} times ${number * 7}? Explain in ${number} words.`);
    await Promise.all(prompts.map(async (prompt, number) => {
      const result = number % 2 ? await generateText({ model, prompt }) : streamText({ model, prompt });
      const { pointsman } = await result.providerMetadata;
      const decision = decisions.get(prompt);
      assert.equal(await result.text, `${decision.model} heard: ${prompt}`);
      assert.deepEqual([pointsman.id, pointsman.model], [decision.id, decision.model]);
    }));
    assert.equal(decisions.size, 50);
  });

  of('routedFetch serves its providers too', async (t) => {
    const { url } = await startUpstream(t);
    const { routedFetch } = await import('../../pkg/adapters/openai.js');
    const provider = createProvider({ name: 'stub', baseURL: url, fetch: routedFetch(router) });
    const { text, response } = await generateText({ model: provider('auto'), prompt: PROMPT });
    assert.equal(text, `${best} heard: ${PROMPT}`);
    assert.equal(response.headers['x-pointsman-model'], best);
    const refused = createProvider({ name: 'stub', baseURL: url, fetch: routedFetch(router, { policy: { maxUsd: 0 } }) });
    const error = await generateText({ model: refused('auto'), prompt: PROMPT }).catch((thrown) => thrown);
    assert.deepEqual([error.statusCode, error.isRetryable, error.responseHeaders['x-pointsman-error']], [400, false, 'NO_ELIGIBLE']);
  });
}

test('models of both versions together are refused', () => {
  const models = { [ranked[0]]: provider6({ name: 'a', baseURL: 'http://x' })('m'), [ranked[1]]: provider7({ name: 'b', baseURL: 'http://x' })('m') };
  assert.throws(() => routedModel(router, models), { name: 'PointsmanError', code: 'BAD_INPUT', message: /v3, v4/ });
});
