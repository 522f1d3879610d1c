/** `routedFetch` by itself: which requests it changes and how, what it asks of the router, whom it asks next. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { routedFetch } from '../../pkg/adapters/openai.js';
import { PointsmanError } from '../../pkg/node.js';
import { BODY, CHAT, inner, messages, post } from './support/inner.mjs';
import { planted } from './support/planted.mjs';
import { startUpstream } from './support/upstream.mjs';

const UNTOUCHED = {
  'another model': [CHAT, post(JSON.stringify({ model: 'gpt-4o', messages }))],
  'no model': [CHAT, post(JSON.stringify({ messages }))],
  'a body that is no JSON': [CHAT, post('{"model":"auto",')],
  'a body that is a list': [CHAT, post('[{"model":"auto"}]')],
  'a body that is null': [CHAT, post('null')],
  'an empty body': [CHAT, post('')],
  'no body': [CHAT, { method: 'POST' }],
  'bytes': [CHAT, post(new TextEncoder().encode(BODY))],
  'a blob': [CHAT, post(new Blob([BODY]))],
  'a form': [CHAT, { method: 'POST', body: new URLSearchParams({ model: 'auto' }) }],
  'a stream': [CHAT, post(new Blob([BODY]).stream(), { duplex: 'half' })],
  'a GET': [CHAT],
  'a PUT': [CHAT, post(BODY, { method: 'PUT' })],
  'embeddings': ['https://upstream.test/v1/embeddings', post()],
  'text to continue': ['https://upstream.test/v1/completions', post()],
  'a path below': ['https://upstream.test/v1/responses/resp_1/cancel', post()],
  'a path in the query': ['https://upstream.test/v1/models?next=/chat/completions', post()],
  'a Request with another model': [new Request(CHAT, post(JSON.stringify({ model: 'gpt-4o' })))],
  'a Request with bytes': [new Request(CHAT, post(new Uint8Array([0xff, 0xfe])))],
};

for (const [name, [input, init]] of Object.entries(UNTOUCHED)) {
  test(`${name} passes through untouched`, async () => {
    const [router, response] = [planted(), new Response('as it was')];
    const fetch = inner(response);
    assert.equal(await routedFetch(router, { fetch, onDecision: assert.fail })(input, init), response);
    assert.equal(fetch.sent[0].input, input);
    assert.equal(fetch.sent[0].init, init);
    assert.deepEqual(router.asked, []);
  });
}

const ROUTED = {
  'a URL': [new URL(CHAT), post()],
  'a query after the path': [`${CHAT}?api-version=1#x`, post()],
  'a slash after the path': [`${CHAT}/`, post()],
  'a relative path': ['/v1/chat/completions', post()],
  'a method in small letters': [CHAT, post(BODY, { method: 'post' })],
  'responses': ['https://upstream.test/v1/responses', post(JSON.stringify({ model: 'auto', input: 'Hello' }))],
  'a Request': [new Request(CHAT, post())],
  'a Request without a type': [new Request(CHAT, { method: 'POST', body: BODY })],
  'a Request and another body': [new Request(CHAT, post('{}')), { body: BODY }],
};

for (const [name, [input, init]] of Object.entries(ROUTED)) {
  test(`${name} is routed`, async () => {
    const seen = [];
    const fetch = async (given, options) => {
      seen.push([given, JSON.parse(options.body).model]);
      return new Response('{}');
    };
    const response = await routedFetch(planted(), { fetch })(input, init);
    assert.equal(response.headers.get('x-pointsman-model'), 'first');
    assert.deepEqual(seen, [[input, 'first']]);
  });
}

test('a Request keeps its headers, its method and its signal, and init goes first', async () => {
  const [fetch, controller] = [inner(), new AbortController()];
  const request = new Request(CHAT, post(BODY, { headers: { authorization: 'Bearer key' }, signal: controller.signal }));
  await routedFetch(planted(), { fetch })(request);
  await routedFetch(planted(), { fetch })(request, { headers: { authorization: 'Bearer other' } });
  const [one, two] = fetch.sent.map((sent) => sent.request);
  assert.deepEqual([one.method, one.headers.get('authorization'), two.headers.get('authorization')], ['POST', 'Bearer key', 'Bearer other']);
  assert.equal(await one.text(), BODY.replace('auto', 'first'));
  controller.abort();
  assert.equal(one.signal.aborted, true);
});

test('all of a body but the model stays as it was written', async () => {
  const table = [
    ['{"model":"auto","messages":[]}', '{"model":"1\\"st","messages":[]}'],
    [' {\n "seed": 12345678901234567890, "model" : "auto" , "messages": [ ] , "t": 1.0 } ', ' {\n "seed": 12345678901234567890, "model" : "1\\"st" , "messages": [ ] , "t": 1.0 } '],
    ['{"mod\\u0065l":"\\u0061uto","messages":[]}', '{"mod\\u0065l":"1\\"st","messages":[]}'],
    ['{"a":{"model":"auto"},"b":["model",":","auto"],"messages":[],"model":"auto"}', '{"a":{"model":"auto"},"b":["model",":","auto"],"messages":[],"model":"1\\"st"}'],
    ['{"c":"\\\\\\"model\\":\\"auto\\\\","x":"model","messages":[],"model":"auto"}', '{"c":"\\\\\\"model\\":\\"auto\\\\","x":"model","messages":[],"model":"1\\"st"}'],
    ['{"model":"auto","messages":[],"model":"auto"}', '{"model":"1\\"st","messages":[],"model":"1\\"st"}'],
  ];
  for (const [before, after] of table) {
    const fetch = inner();
    await routedFetch(planted({ model: '1"st' }, [{ id: '1"st' }]), { fetch })(CHAT, post(before));
    assert.equal(fetch.sent[0].init.body, after);
  }
});

test('the old length is not sent', async () => {
  const fetch = inner();
  await routedFetch(planted(), { fetch })(CHAT, post(BODY, { headers: { 'Content-Length': `${BODY.length}`, 'x-other': '1' } }));
  assert.deepEqual([...fetch.sent[0].init.headers], [['x-other', '1']]);
});

test('a list of aliases, and the upstream’s names of the candidates', async () => {
  const [router, fetch] = [planted({ model: 'second' }), inner()];
  const routed = routedFetch(router, { fetch, alias: ['auto', 'pointsman/best'], models: { second: 'vendor/second', third: 'vendor/third' } });
  const response = await routed(CHAT, post(JSON.stringify({ model: 'pointsman/best', messages })));
  assert.equal(JSON.parse(fetch.sent[0].init.body).model, 'vendor/second');
  assert.equal(response.headers.get('x-pointsman-model'), 'second');
  assert.deepEqual(router.asked[0].options.allow, ['second', 'third']);
});

test('a policy is given as options or by a function of the body, and cannot allow what has no name here', async () => {
  const router = planted({ model: 'second' });
  const ask = (options) => routedFetch(router, { fetch: inner(), models: { second: 'b', third: 'c' }, ...options })(CHAT, post());
  await ask({ policy: { costWeight: 1, allow: ['first', 'second', 'typo'] } });
  await ask({ policy: async (body) => ({ maxUsd: body.messages.length }) });
  await ask({ policy: () => undefined });
  assert.deepEqual(router.asked.map(({ options }) => options), [
    { needs: [], costWeight: 1, allow: ['second', 'typo'] }, // which the router refuses
    { needs: [], maxUsd: 1, allow: ['second', 'third'] },
    { needs: [], allow: ['second', 'third'] },
  ]);
});

const picture = { type: 'image_url', image_url: { url: 'data:,' } };
const NEEDS = {
  'nothing for text alone': [{ messages }, []],
  'tools for tools': [{ messages, tools: [{}] }, ['tools']],
  'nothing for an empty list of tools': [{ messages, tools: [] }, []],
  'tools for functions': [{ messages, functions: [{}] }, ['tools']],
  'vision for a picture anywhere': [{ messages: [{ role: 'user', content: [picture] }, ...messages] }, ['vision']],
  'vision for a picture in responses': [{ input: [{ role: 'user', content: [{ type: 'input_image' }] }] }, ['vision']],
  'vision for a picture from a tool': [{ input: [{ type: 'function_call_output', output: [{ type: 'input_image' }] }] }, ['vision']],
  'json for an object': [{ messages, response_format: { type: 'json_object' } }, ['json']],
  'json for a schema': [{ messages, response_format: { type: 'json_schema' } }, ['json']],
  'nothing for text': [{ messages, response_format: { type: 'text' } }, []],
  'json for a schema in responses': [{ input: 'Hello', text: { format: { type: 'json_schema' } } }, ['json']],
  'all at once': [{ messages: [{ role: 'user', content: [picture] }], tools: [{}], response_format: { type: 'json_object' } }, ['tools', 'vision', 'json']],
};
const ABLE = [{ id: 'first', supports: ['tools', 'vision'] }, { id: 'second', supports: ['json'] }];

for (const [name, [body, needs]] of Object.entries(NEEDS)) {
  test(`needs: ${name}`, async () => {
    const ask = async (candidates, policy) => {
      const router = planted({}, candidates);
      await routedFetch(router, { fetch: inner(), policy })(CHAT, post(JSON.stringify({ model: 'auto', ...body })));
      return router.asked[0].options.needs;
    };
    assert.deepEqual(await ask(ABLE), needs);
    assert.deepEqual(await ask([{ id: 'first', supports: ['json'] }]), needs.filter((need) => need === 'json')); // the others are unknown
    assert.deepEqual(await ask([{ id: 'first' }]), []);
    assert.deepEqual(await ask(ABLE, { needs: ['speech'] }), ['speech']);
    assert.deepEqual(await ask(ABLE, () => ({ needs: undefined })), needs);
  });
}

const called = { type: 'function_call', call_id: '1', name: 'weather', arguments: '{}' };
const result = (output) => ({ type: 'function_call_output', call_id: '1', output });
const INPUTS = {
  'a chat': [{ messages }, messages],
  'a text': [{ input: 'Hello' }, 'Hello'],
  'a text and instructions': [{ input: 'Hello', instructions: 'Be brief.' }, [{ role: 'system', content: 'Be brief.' }, ...messages]],
  'items with a user’s message': [
    { input: [...messages, called, result('rain')] },
    [...messages, { ...called, role: 'tool', content: [] }, { ...result('rain'), role: 'tool', content: 'rain' }, { role: 'system', content: '{} weather' }],
  ],
  'a tool’s result alone': [{ input: [result('rain')], previous_response_id: '1' }, 'rain'],
  'a tool’s result and instructions': [
    { input: [result('rain')], instructions: 'Be brief.' }, [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: [{ text: 'rain' }, {}] }],
  ],
  'a tool’s result in parts': [{ input: [result([{ type: 'input_text', text: 'rain' }, { type: 'input_image' }])] }, 'rain'],
  'a screenshot and instructions': [{ input: [result({ type: 'computer_screenshot' })], instructions: 'Go on.' }, 'Go on.'],
  'instructions alone': [{ instructions: 'Write a poem.' }, 'Write a poem.'],
  'a chat of the system alone': [{ messages: [{ role: 'developer', content: 'Write a poem.' }] }, 'Write a poem.'],
};

for (const [name, [body, input]] of Object.entries(INPUTS)) {
  test(`what decides: ${name}`, async () => {
    const router = planted();
    await routedFetch(router, { fetch: inner() })(CHAT, post(JSON.stringify({ model: 'auto', ...body })));
    assert.deepEqual(router.asked[0].input, input);
  });
}

const FALLBACK = {
  'each status that may pass': [{ fallback: true }, [408, 429, 200], ['first', 'second', 'third'], 200],
  'a server’s fault': [{ fallback: true }, [500, 503, 200], ['first', 'second', 'third'], 200],
  'a broken connection': [{ fallback: true }, [new TypeError('fetch failed'), 200], ['first', 'second'], 200],
  'one more only': [{ fallback: 1 }, [500, 500], ['first', 'second'], 500],
  'none more': [{ fallback: 0 }, [500], ['first'], 500],
  'off by default': [{}, [500], ['first'], 500],
  'a request’s own fault': [{ fallback: true }, [400], ['first'], 400],
  'a fault on the way': [{ fallback: true }, [500, 401], ['first', 'second'], 401],
  'all failing': [{ fallback: true }, [500, 502, 429], ['first', 'second', 'third'], 429],
};

for (const [name, [options, answers, asked, status]] of Object.entries(FALLBACK)) {
  test(`fallback: ${name}`, async () => {
    const bodies = answers.map((answer) => (answer instanceof Error ? answer : new Response('{}', { status: answer })));
    const fetch = inner(...bodies);
    const response = await routedFetch(planted(), { fetch, ...options })(CHAT, post());
    assert.deepEqual(fetch.sent.map(({ init }) => JSON.parse(init.body).model), asked);
    assert.equal(response.status, status);
    assert.equal(response.headers.get('x-pointsman-model'), asked.at(-1));
    assert.equal(response.headers.get('x-pointsman-failed'), asked.slice(0, -1).join(', ') || null);
    assert.equal(await response.text(), '{}');
    for (const passed of bodies.slice(0, -1)) assert.ok(passed instanceof Error || passed.bodyUsed, 'its connection is let go');
  });
}

test('fallback: the upstream’s own word on trying again', async () => {
  const answer = (status, told) => new Response('{}', { status, headers: { 'x-should-retry': told } });
  const [obeys, refused] = [inner(answer(400, 'true'), new Response('{}')), inner(answer(500, 'false'))];
  assert.equal((await routedFetch(planted(), { fetch: obeys, fallback: true })(CHAT, post())).status, 200);
  assert.equal((await routedFetch(planted(), { fetch: refused, fallback: true })(CHAT, post())).status, 500);
});

test('fallback: eligible candidates by utility, of equals the cheaper, then the better', async () => {
  const score = (model, utility, usd, quality, ineligible) => ({ model, utility, usd, quality, spread: 0, ...(ineligible && { ineligible }) });
  const scores = [score('a', 3, 1, 1), score('b', 1, 2, 0.5), score('c', 1, 1, 0.4), score('d', 1, 1, 0.6), score('e', 9, 1, 1, 'price'), score('f', 2, 9, 1)];
  const fetch = inner(...scores.map(() => new Response('{}', { status: 500 })));
  const router = planted({ model: 'a', scores, reason: 'budget' }, scores.map(({ model: id }) => ({ id })));
  const response = await routedFetch(router, { fetch, fallback: true })(CHAT, post());
  assert.deepEqual(fetch.sent.map(({ init }) => JSON.parse(init.body).model), ['a', 'f', 'd', 'c', 'b']);
  assert.equal(response.headers.get('x-pointsman-failed'), 'a, f, d, c');
});

test('fallback: the last broken connection is what comes back', async () => {
  const last = new TypeError('fetch failed again');
  const fetch = inner(new TypeError('fetch failed'), new Response('', { status: 500 }), last);
  await assert.rejects(routedFetch(planted(), { fetch, fallback: true })(CHAT, post()), (error) => error === last);
});

test('fallback: every further candidate has an idempotency key of its own', async () => {
  const fetch = inner(new Response('', { status: 500 }));
  await routedFetch(planted(), { fetch, fallback: true })(CHAT, post(BODY, { headers: { 'Idempotency-Key': 'k' } }));
  assert.deepEqual(fetch.sent.map(({ init }) => init.headers.get('idempotency-key')), ['k', 'k-second']);
});

test('fallback: a connection that the upstream drops', async (t) => {
  const { url, faults, models } = await startUpstream(t);
  faults.set('first', { drop: true });
  const response = await routedFetch(planted(), { fallback: true })(`${url}/chat/completions`, post());
  assert.equal((await response.json()).choices[0].message.content, 'second heard: Hello');
  assert.deepEqual(models(), ['first', 'second']);
});

test('an aborted signal is the router’s too, and ends the search for a candidate', async () => {
  const [router, reason, controller] = [planted(), new Error('changed my mind'), new AbortController()];
  let calls = 0;
  const fetch = async () => {
    calls += 1;
    controller.abort(reason);
    throw controller.signal.reason;
  };
  await assert.rejects(routedFetch(router, { fetch, fallback: true })(CHAT, post(BODY, { signal: controller.signal })), reason);
  assert.equal(calls, 1);
  assert.equal(router.asked[0].options.signal, controller.signal);
});

test('a status that no Response can be made with comes through as it is', async () => {
  const odd = Object.defineProperty(new Response('{"odd":true}'), 'status', { value: 999 });
  assert.equal(await routedFetch(planted(), { fetch: inner(odd) })(CHAT, post()), odd);
});

for (const odd of [null, 5, 'text', {}, [], { toString: 1 }, { mediaType: { toString: 1 } }, { output: { value: [null] } }, { length: 3 }]) {
  test(`a part, a tool, a format or an item like ${JSON.stringify(odd)} breaks nothing`, async () => {
    const bodies = [
      { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }, odd] }] }, { messages: [...messages, odd] },
      { messages, tools: odd, response_format: odd }, { input: [odd, ...messages], instructions: 'x', text: { format: odd } },
    ];
    for (const body of bodies) {
      const response = await routedFetch(planted(), { fetch: inner() })(CHAT, post(JSON.stringify({ model: 'auto', ...body })));
      assert.equal(response.status, 200);
    }
  });
}

test('a tool nested deeper than a stack is deep breaks nothing', async () => {
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  const body = `{"model":"auto","messages":[{"role":"user","content":"Hello"}],"tools":${deep}}`;
  assert.equal((await routedFetch(planted(), { fetch: inner() })(CHAT, post(body))).status, 200);
});

test('ids of other alphabets fit into a header', async () => {
  const response = await routedFetch(planted({ model: '模型 𝒳' }, [{ id: '模型 𝒳' }]), { fetch: inner() })(CHAT, post());
  assert.equal(decodeURIComponent(response.headers.get('x-pointsman-model')), '模型 𝒳');
});

test('a watcher that throws costs nothing', async (t) => {
  t.mock.method(console, 'error', () => {});
  const onDecision = () => { throw new Error('the watcher broke'); };
  assert.equal((await routedFetch(planted(), { fetch: inner(), onDecision })(CHAT, post())).status, 200);
  assert.equal(console.error.mock.callCount(), 1);
});

test('a body lives as long as the response that was handed out', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const { url, faults } = await startUpstream(t);
  faults.set('first', { hold: sleep(300) });
  const response = await routedFetch(planted())(`${url}/chat/completions`, post(JSON.stringify({ model: 'auto', messages, stream: true })));
  for (let turn = 0; turn < 10; turn += 1) {
    collect();
    await sleep(10);
  }
  assert.match(await response.text(), /\[DONE\]/);
});

const OPTIONS = {
  'an unknown option': { aliases: 'auto' },
  'an alias that is no name': { alias: '' },
  'no alias': { alias: [] },
  'a candidate that is none': { models: { 'gpt-0': 'x' } },
  'an upstream’s name that is none': { models: { first: 1 } },
  'no upstream’s names': { models: {} },
  'upstream’s names in a list': { models: ['first'] },
  'a misspelt dial': { policy: { costweight: 1 } },
  'a policy that is none': { policy: 'cheap' },
  'a fallback that is no number': { fallback: 'yes' },
  'a negative fallback': { fallback: -1 },
  'a fetch that is none': { fetch: 'fetch' },
  'a callback that is none': { onDecision: 'log' },
  'options that are no object': 'auto',
};

for (const [name, options] of Object.entries(OPTIONS)) {
  test(`${name} is BAD_INPUT`, () => {
    assert.throws(() => routedFetch(planted(), options), (error) => error instanceof PointsmanError && error.code === 'BAD_INPUT');
  });
}

test('a promise of a router is BAD_INPUT, and says so', () => {
  assert.throws(() => routedFetch(Promise.resolve(planted())), { code: 'BAD_INPUT', message: /await/ });
});
