/** `routedModel` by itself: what it says of its language models, what it asks of the router, and how streams begin. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routedModel } from '../../pkg/adapters/ai-sdk.js';
import { PointsmanError } from '../../pkg/node.js';
import { planted } from './support/planted.mjs';

const prompt = [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }];
const FINISH = { type: 'finish', finishReason: 'stop', usage: {} };
const overloaded = { message: 'overloaded', isRetryable: true };

/** A language model that answers with these parts; `dropped` is why its stream was cancelled. */
function speaker(parts = [], over = {}) {
  const self = {
    specificationVersion: 'v4',
    provider: 'one.chat',
    modelId: 'm',
    supportedUrls: {},
    asked: 0,
    dropped: undefined,
    async doGenerate() {
      self.asked += 1;
      return { content: parts, providerMetadata: { one: { x: 1 } } };
    },
    async doStream() {
      self.asked += 1;
      const rest = [...parts];
      const pull = (controller) => {
        const part = rest.shift();
        if (part instanceof Error) controller.error(part);
        else if (part) controller.enqueue(part);
        else controller.close();
      };
      return { stream: new ReadableStream({ pull, cancel: (reason) => { self.dropped = reason ?? 'cancelled'; } }), request: { body: 'sent' } };
    },
    ...over,
  };
  return self;
}

const both = (first, second, options, router = planted()) => routedModel(router, { first, second }, options);

async function partsOf(model) {
  const parts = [];
  for await (const part of (await model.doStream({ prompt })).stream) parts.push(part);
  return parts;
}

test('it is of its models’ version, and of their provider where they share one', () => {
  const { specificationVersion, provider, modelId } = both(speaker(), speaker());
  assert.deepEqual([specificationVersion, provider, modelId], ['v4', 'one.chat', 'auto']);
  assert.equal(both(speaker(), speaker([], { provider: 'other' })).provider, 'pointsman');
  assert.equal(both(speaker([], { specificationVersion: 'v2' }), speaker([], { specificationVersion: 'v2' })).specificationVersion, 'v2');
});

test('supported URLs are those that all support, promised or not', async () => {
  const [https, pdf] = [/^https:/, /\.pdf$/i];
  const first = speaker([], { supportedUrls: { 'image/*': [https, /^data:/], 'application/pdf': [pdf], 'audio/*': [https] } });
  const second = speaker([], { supportedUrls: Promise.resolve({ 'image/*': [/^https:/], 'application/pdf': [/\.pdf$/] }) });
  assert.deepEqual(await both(first, second).supportedUrls, { 'image/*': [https] });
  assert.deepEqual(await both(first, speaker()).supportedUrls, {});
  assert.deepEqual(await both(first, speaker([], { supportedUrls: undefined })).supportedUrls, {});
  assert.deepEqual(await both(first, first).supportedUrls, first.supportedUrls);
});

test('only its models may be chosen, and the policy narrows them', async () => {
  const router = planted();
  await both(speaker(), speaker(), { policy: (call) => ({ maxUsd: call.maxOutputTokens, allow: ['second', 'third'] }) }, router).doGenerate({ prompt, maxOutputTokens: 5 });
  await both(speaker(), speaker(), {}, router).doGenerate({ prompt });
  assert.deepEqual(router.asked.map(({ options }) => options), [{ needs: [], maxOutputTokens: 5, maxUsd: 5, allow: ['second'] }, { needs: [], allow: ['first', 'second'] }]);
});

const ABLE = ['first', 'second'].map((id) => ({ id, supports: ['tools', 'vision', 'json'] }));
const file = (mediaType) => [{ role: 'user', content: [{ type: 'file', mediaType, data: '' }, { type: 'text', text: 'Hello' }] }];
const fromTool = (part) => [...prompt, { role: 'tool', content: [{ type: 'tool-result', output: { type: 'content', value: [part] } }] }];
const NEEDS = {
  'nothing for text': [{ prompt }, []],
  'vision for a picture': [{ prompt: file('image/png') }, ['vision']],
  'vision for a picture of unknown format': [{ prompt: file('image') }, ['vision']],
  'nothing for a sound': [{ prompt: file('audio/wav') }, []],
  'vision for a picture from a tool in AI SDK 6': [{ prompt: fromTool({ type: 'image-data', data: '' }) }, ['vision']],
  'vision for a picture from a tool in AI SDK 7': [{ prompt: fromTool({ type: 'file', mediaType: 'image/png' }) }, ['vision']],
  'tools and JSON': [{ prompt, tools: [{}], responseFormat: { type: 'json' } }, ['tools', 'json']],
};

for (const [name, [call, needs]] of Object.entries(NEEDS)) {
  test(`needs: ${name}`, async () => {
    const router = planted({}, ABLE);
    await both(speaker(), speaker(), {}, router).doGenerate(call);
    assert.deepEqual(router.asked[0].options.needs, needs);
    assert.equal(router.asked[0].input, call.prompt);
  });
}

test('a prompt of the system alone is routed on that', async () => {
  const router = planted();
  await both(speaker(), speaker(), {}, router).doGenerate({ prompt: [{ role: 'system', content: 'Write a poem.' }] });
  assert.equal(router.asked[0].input, 'Write a poem.');
});

const toolTurn = (output) => [
  ...prompt,
  { role: 'assistant', content: [{ type: 'tool-call', toolCallId: '1', toolName: 'weather', input: { city: 'Paris' } }] },
  { role: 'tool', content: [{ type: 'tool-result', toolCallId: '1', toolName: 'weather', output }] },
];
const circle = { sky: 'grey', at: 7 };
circle.self = circle;
const BESIDE = {
  'a tool’s result': [{ prompt: toolTurn({ type: 'text', value: 'It rains.' }) }, /(?=.*Paris)(?=.*It rains\.)/],
  'a tool’s result in JSON': [{ prompt: toolTurn({ type: 'json', value: circle }) }, /(?=.*sky)(?=.*grey)(?=.*7)/],
  'a tool’s result in parts': [{ prompt: toolTurn({ type: 'content', value: [{ type: 'text', text: 'It rains.' }, { type: 'image-data', data: 'AAAA' }] }) }, /^(?=.*It rains)(?!.*AAAA)/],
  'tools': [{ prompt, tools: [{ type: 'function', name: 'weather', inputSchema: { properties: { city: {} } } }] }, /(?=.*weather)(?=.*city)/],
  'a schema': [{ prompt, responseFormat: { type: 'json', schema: { properties: { city: {} } } } }, /city/],
};

for (const [name, [call, pattern]] of Object.entries(BESIDE)) {
  test(`what is paid for and decides nothing: ${name}`, async () => {
    const router = planted();
    await both(speaker(), speaker(), {}, router).doGenerate(call);
    const { input } = router.asked[0];
    assert.deepEqual([input.slice(0, -1), input.at(-1).role], [call.prompt, 'system']);
    assert.match(input.at(-1).content, pattern);
  });
}

const START = [{ type: 'stream-start', warnings: [] }, { type: 'response-metadata', id: 'x' }, { type: 'raw', rawValue: 1 }];

test('a stream comes as it is, and its last part says who answered', async () => {
  const text = [{ type: 'text-start', id: '1' }, { type: 'text-delta', id: '1', delta: 'Hi' }, { type: 'text-end', id: '1' }];
  const model = both(speaker([...START, ...text, { ...FINISH, providerMetadata: { one: { x: 1 } } }]), speaker());
  const parts = await partsOf(model);
  const pointsman = { id: 'd1', model: 'first', reason: 'utility', propensity: 1, usd: 1, failed: [] };
  assert.deepEqual(parts, [...START, ...text, { ...FINISH, providerMetadata: { one: { x: 1 }, pointsman } }]);
  assert.deepEqual((await model.doStream({ prompt })).request, { body: 'sent' });
});

test('an error that may pass, before any of the answer, goes to the next candidate', async () => {
  const first = speaker([...START, { type: 'error', error: overloaded }, FINISH]);
  const parts = await partsOf(both(first, speaker([...START, FINISH])));
  assert.deepEqual(parts.map(({ type }) => type), ['stream-start', 'response-metadata', 'raw', 'finish']);
  assert.deepEqual(parts.at(-1).providerMetadata.pointsman.failed, ['first']);
  assert.ok(first.dropped, 'its connection is let go');
});

const STAYS = {
  'of the last candidate': [[{ type: 'error', error: overloaded }, FINISH], [{ type: 'error', error: overloaded }], 1],
  'that would come again': [[{ type: 'error', error: 'refused' }, FINISH], [FINISH], 0],
  'after some of the answer': [[{ type: 'text-start', id: '1' }, { type: 'error', error: overloaded }, FINISH], [FINISH], 0],
};

for (const [name, [first, second, asked]] of Object.entries(STAYS)) {
  test(`an error ${name} stays in the stream`, async () => {
    const other = speaker(second);
    const parts = await partsOf(both(speaker(first), other));
    assert.ok(parts.some(({ type }) => type === 'error'));
    assert.equal(other.asked, asked);
  });
}

test('a stream that breaks or holds nothing is handed on', async () => {
  const broken = new Error('terminated');
  await assert.rejects(partsOf(both(speaker([START[0], broken]), speaker())), broken);
  await assert.rejects(partsOf(both(speaker([{ type: 'text-start', id: '1' }, broken]), speaker())), broken);
  assert.deepEqual(await partsOf(both(speaker(), speaker([FINISH]))), []);
});

test('a reader who leaves ends the stream of the one who answers', async () => {
  const first = speaker([{ type: 'text-start', id: '1' }, { type: 'text-delta', id: '1', delta: 'Hi' }, FINISH]);
  const { stream } = await both(first, speaker()).doStream({ prompt });
  await stream.cancel('enough');
  assert.equal(first.dropped, 'enough');
});

const MODELS = {
  'no models': {},
  'a candidate that is none': { 'gpt-0': speaker() },
  'the name of a model': { first: 'openai/gpt-4o' },
  'a model of other things': { first: { specificationVersion: 'v4', doEmbed() {} } },
  'mixed versions': { first: speaker(), second: speaker([], { specificationVersion: 'v3' }) },
  'nothing': undefined,
};

for (const [name, models] of Object.entries(MODELS)) {
  test(`${name} is BAD_INPUT`, () => {
    assert.throws(() => routedModel(planted(), models), (error) => error instanceof PointsmanError && error.code === 'BAD_INPUT');
  });
}

test('an unknown option, and a promise of a router, are BAD_INPUT', () => {
  assert.throws(() => both(speaker(), speaker(), { alias: 'auto' }), { code: 'BAD_INPUT', message: /alias/ });
  assert.throws(() => routedModel(Promise.resolve(planted()), { first: speaker() }), { code: 'BAD_INPUT', message: /await/ });
});
