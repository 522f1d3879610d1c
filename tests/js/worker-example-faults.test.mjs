/** examples/worker when upstreams misbehave: every request ends in somebody's answer, or in an error with a code. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ACCESS_KEY, startExample } from './support/worker-example.mjs';
import { startOddUpstream } from './support/worker-upstream.mjs';

const [FIRST, SECOND] = ['gpt-4o-2024-05-13', 'llama-3.1-8b-instruct'];
const PROMPT = 'Wie spät ist es in Zürich?'; // in another language: the strongest candidate has it first
const KEY = 'sk-the-key-of-the-upstream';

let [odd, example] = [];
before(async () => {
  odd = await startOddUpstream();
  const upstreams = Object.fromEntries([FIRST, SECOND].map((model) => [model, { baseUrl: odd.url, model, keyName: 'KEY' }]));
  example = await startExample({ vars: { KEY, UPSTREAMS: upstreams, UPSTREAM_SECONDS: 1, UPSTREAM_IDLE_SECONDS: 1, MAX_ANSWER_BYTES: 10_000 } });
});
after(() => Promise.all([example.stop(), odd.stop()]));

const ask = (behaviours, more = {}, path = 'chat/completions') => {
  odd.behave(behaviours);
  const said = path === 'responses' ? { input: PROMPT } : { messages: [{ role: 'user', content: PROMPT }] };
  return example.ask(`/v1/${path}`, { model: 'auto', ...said, ...more });
};
const header = (response, name) => response.headers.get(`x-pointsman-${name}`);

/** How an upstream may fail before its answer has begun, and how the Worker puts it where nobody else answers. */
const FAULTS = {
  overloaded: [429, 'stub'],
  broken: [503, 'stub'],
  gateway: [502, 'UPSTREAM_STATUS'],
  drop: [502, 'UPSTREAM_BROKEN'],
  silent: [504, 'UPSTREAM_TIMEOUT'],
  halfway: [502, 'UPSTREAM_BROKEN'],
  page: [502, 'UPSTREAM_BROKEN'],
  malformed: [502, 'UPSTREAM_BROKEN'],
  endless: [502, 'UPSTREAM_BROKEN'],
  list: [502, 'UPSTREAM_BROKEN'],
  errorAs200: [502, 'stub'],
  strange: [502, 'stub'],
  moved: [502, 'UPSTREAM_STATUS'],
  refuses: [502, 'UPSTREAM_AUTH'],
};

for (const [fault, [status, code]] of Object.entries(FAULTS)) {
  test(`${fault}: the next candidate answers; where none is left, the error says what happened`, async () => {
    const fallen = await ask({ [FIRST]: fault });
    assert.deepEqual([fallen.status, header(fallen, 'model'), header(fallen, 'failed')], [200, SECOND, FIRST]);
    assert.equal((await fallen.json()).model, SECOND);
    const heard = await example.ask('/v1/feedback', { id: header(fallen, 'decision'), score: 1 });
    assert.deepEqual(await heard.json(), { heard: true });

    const failed = await ask({ [FIRST]: fault, [SECOND]: fault });
    const text = await failed.text();
    assert.deepEqual([failed.status, JSON.parse(text).error.code], [status, code]);
    assert.ok(!text.includes(KEY));
  });
}

test('what an upstream says of the request itself comes back as it is', async () => {
  const response = await ask({ [FIRST]: 'unfit' });
  assert.deepEqual([response.status, (await response.json()).error.code], [400, 'stub']);
  assert.deepEqual([header(response, 'model'), odd.asked()], [FIRST, [FIRST]]);
});

test('when to come again is passed on', async () => {
  const response = await ask({ [FIRST]: 'overloaded', [SECOND]: 'overloaded' });
  assert.equal(response.headers.get('retry-after'), '7');
});

for (const [fault, code] of [['streamBreaks', 'UPSTREAM_BROKEN'], ['streamEndsEarly', 'UPSTREAM_BROKEN'], ['streamFallsSilent', 'UPSTREAM_TIMEOUT']]) {
  test(`${fault}: what was written stays, and the last event is the error`, async () => {
    for (const [path, read] of [['chat/completions', ({ error }) => error.code], ['responses', ({ type, code: told }) => type === 'error' && told]]) {
      const text = await (await ask({ [FIRST]: fault }, { stream: true }, path)).text();
      assert.ok(text.startsWith('data: {"piece":1}\n\n'), text);
      const last = text.trim().split('\n\n').at(-1).split('\n').at(-1);
      assert.equal(read(JSON.parse(last.slice('data: '.length))), code);
    }
  });
}

const LAST = ['data: [DONE]', 'data: {"choices":[{"finish_reason":"stop"}]}', 'event: x\ndata: {"type":"response.completed"}', 'data: {"error":{"code":"x"}}', 'data: {"type":"error"}'];
for (const last of LAST) {
  test(`a stream that ends with ${last} is complete, in whatever pieces it comes`, async () => {
    for (const size of [1, 7, 4096]) {
      const text = `data: {"choices":[{"delta":{"content":"it said \\"finish_reason\\": \\"stop\\" – or not"}}]}\n\n${last}\n\n`;
      odd.say(text, size);
      const response = await ask({ [FIRST]: 'says' }, { stream: true });
      assert.equal(await response.text(), text);
      odd.say(text.slice(0, text.indexOf(last)), size);
      const broken = await (await ask({ [FIRST]: 'says' }, { stream: true })).text();
      assert.match(broken, /UPSTREAM_BROKEN/);
    }
  });
}

test('a line that breaks off is not passed on, so that the error behind it can be read', async () => {
  const whole = 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n';
  for (const size of [1, 7, 4096]) {
    odd.say(`${whole}data: {"choices":[{"del`, size);
    const text = await (await ask({ [FIRST]: 'says' }, { stream: true })).text();
    assert.ok(text.startsWith(whole));
    assert.deepEqual(text.match(/^data: .*$/gm).map((line) => JSON.parse(line.slice('data: '.length)).error?.code), [undefined, 'UPSTREAM_BROKEN']);
  }
});

test('a line longer than any event passes all the same', async () => {
  const text = `data: {"choices":[{"delta":{"content":"${'x'.repeat(3e6)}"}}]}\n\ndata: [DONE]`;
  odd.say(text, 100_000);
  assert.equal(await (await ask({ [FIRST]: 'says' }, { stream: true })).text(), text);
});

test('whoever sends much hears what is wrong with it, and the connection lives on', async () => {
  const large = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'x'.repeat(6e6) }] });
  const send = (path, headers) => fetch(new URL(path, example.url), { method: 'POST', headers, body: large });
  const json = { 'content-type': 'application/json' };
  const authorization = `Bearer ${ACCESS_KEY}`;
  for (let round = 0; round < 3; round += 1) {
    assert.equal((await send('/v1/chat/completions', json)).status, 401);
    assert.equal((await send('/v1/chat/completions', { ...json, authorization })).status, 413);
    assert.equal((await send('/v1/chat/completions', { 'content-type': 'text/plain', authorization })).status, 415);
    assert.equal((await send('/elsewhere', { ...json, authorization })).status, 404);
  }
});

test('after all that, the next request is answered', async () => {
  const response = await ask({});
  assert.deepEqual([response.status, (await response.json()).model], [200, FIRST]);
});
