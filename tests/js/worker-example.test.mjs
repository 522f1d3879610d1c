/** examples/worker in the real workerd: what goes in comes out of the right upstream, and what goes wrong is said. */

import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { createRouter } from '../../pkg/node.js';
import { PKG, temporaryFolder } from './support/paths.mjs';
import { startUpstream } from './support/upstream.mjs';
import { ACCESS_KEY, startExample } from './support/worker-example.mjs';

const EASY = 'Which enzyme unwinds the DNA double helix?';
const CANDIDATES = { 'gpt-4o-2024-05-13': 'openai/gpt-4o', 'llama-3.1-70b-instruct': 'meta/llama-70b', 'deepseek-chat': 'deepseek-chat' };
const KEY = 'sk-the-key-of-the-upstream';

const chat = (content, more) => ({ model: 'auto', messages: [{ role: 'user', content }], ...more });
const errorOf = async (response) => {
  const { error } = await response.json();
  assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  return [response.status, error.code];
};
const header = (response, name) => response.headers.get(`x-pointsman-${name}`);

/** A line-up whose learning is more than a row of the Learner holds. */
const manyCandidates = (count) => Array.from({ length: count }, (_, at) => (
  { id: `c${at}`, usdPerMtokIn: 1, usdPerMtokOut: 1 + at, scores: { gsm8k: 80 } }
));

function varsFor(url, more) {
  const upstreams = Object.entries(CANDIDATES).map(([id, model]) => [id, { baseUrl: url, model, keyName: 'KEY' }]);
  return { KEY, UPSTREAMS: Object.fromEntries(upstreams), ...more };
}

describe('one Worker', () => {
  let [upstream, example] = [];
  const ends = [];
  before(async () => {
    upstream = await startUpstream(/** @type {any} */ ({ after: (end) => ends.push(end) }));
    example = await startExample({ vars: varsFor(upstream.url, { OTHERS: { baseUrl: upstream.url }, MAX_BODY_BYTES: 20_000 }) });
  });
  after(() => Promise.all([example.stop(), ...ends.map((end) => end())]));

  test('“auto” goes where the same router in Node sends it, under the upstream’s name and with the upstream’s key', async () => {
    const router = await createRouter({ policy: { allow: Object.keys(CANDIDATES) } });
    for (const prompt of [EASY, 'Prove that there are infinitely many primes.', 'Name the capital of Australia.']) {
      const expected = await router.route(prompt);
      const response = await example.ask('/v1/chat/completions', chat(prompt));
      assert.deepEqual([response.status, header(response, 'model'), header(response, 'reason')], [200, expected.model, expected.reason]);
      const { model, choices } = await response.json();
      assert.deepEqual([model, choices[0].message.content], [CANDIDATES[expected.model], `${model} heard: ${prompt}`]);
      assert.equal(upstream.requests.at(-1).headers.authorization, `Bearer ${KEY}`);
    }
  });

  test('the openai SDK, both APIs, streamed and whole', async () => {
    const client = new OpenAI({ apiKey: ACCESS_KEY, baseURL: `${example.url}v1`, maxRetries: 0 });
    const answer = await client.chat.completions.create(chat(EASY));
    assert.match(answer.choices[0].message.content, /heard: Which enzyme/);
    let streamed = '';
    for await (const event of await client.responses.create({ model: 'auto', input: EASY, stream: true })) streamed += event.delta ?? '';
    assert.match(streamed, /heard: Which enzyme/);
    const names = (await client.models.list()).data.map(({ id }) => id);
    assert.deepEqual(names, ['auto', ...Object.keys(CANDIDATES)]);
    await assert.rejects(client.chat.completions.create({ model: 'auto', messages: [] }), { status: 400, code: 'BAD_INPUT' });
  });

  test('a stream passes byte for byte', async () => {
    for (const [path, body] of [['chat/completions', chat(EASY, { stream: true })], ['responses', { model: 'auto', input: EASY, stream: true }]]) {
      const response = await example.ask(`/v1/${path}`, body);
      const { json } = upstream.requests.at(-1);
      const direct = await fetch(`${upstream.url}/${path}`, { method: 'POST', body: JSON.stringify(json) });
      assert.equal(response.headers.get('content-type'), 'text/event-stream');
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), Buffer.from(await direct.arrayBuffer()));
    }
  });

  test('a stream’s first piece does not wait for its second', async () => {
    let release;
    const name = CANDIDATES['gpt-4o-2024-05-13'];
    upstream.faults.set(name, { hold: new Promise((resolve) => { release = resolve; }) });
    const response = await example.ask('/v1/chat/completions', { ...chat('Hello', { stream: true }), model: 'gpt-4o-2024-05-13' });
    const reader = response.body.getReader();
    assert.match(new TextDecoder().decode((await reader.read()).value), /^data: /);
    release();
    upstream.faults.clear();
    await reader.cancel();
  });

  test('a model that the client names is not routed', async () => {
    const { router: { calls } } = await (await example.ask('/stats')).json();
    for (const [asked, sent] of [['gpt-4o-2024-05-13', 'openai/gpt-4o'], ['openai/gpt-4o', 'openai/gpt-4o'], ['another', 'another']]) {
      const response = await example.ask('/v1/chat/completions', { ...chat(EASY), model: asked });
      assert.equal((await response.json()).model, sent);
      assert.equal(header(response, 'decision'), null);
    }
    assert.equal(upstream.requests.at(-1).headers.authorization, undefined);
    assert.equal((await (await example.ask('/stats')).json()).router.calls, calls);
  });

  test('the client’s own headers stay here', async () => {
    const headers = { cookie: 'a=b', 'x-forwarded-for': '1.2.3.4', 'idempotency-key': 'once' };
    await example.ask('/v1/chat/completions', chat(EASY), { headers });
    const { headers: seen } = upstream.requests.at(-1);
    assert.equal(seen['idempotency-key'], 'once');
    const sent = JSON.stringify(seen);
    for (const own of ['a=b', '1.2.3.4', ACCESS_KEY]) assert.ok(!sent.includes(own), own);
  });

  test('what cannot be routed is refused with a code, and nothing is sent', async () => {
    const sent = upstream.requests.length;
    const ask = async (body, init) => errorOf(await example.ask('/v1/chat/completions', body, init));
    assert.deepEqual(await ask('{"model": "auto"'), [400, 'BAD_INPUT']);
    assert.deepEqual(await ask('[]'), [400, 'BAD_INPUT']);
    assert.deepEqual(await ask({ messages: [] }), [400, 'BAD_INPUT']);
    assert.deepEqual(await ask(chat(' ')), [400, 'BAD_INPUT']);
    assert.deepEqual(await ask(new Uint8Array([0x22, 0xff, 0x22])), [400, 'BAD_INPUT']);
    assert.deepEqual(await ask(chat('x'.repeat(20_000))), [413, 'TOO_LARGE']);
    // Just too long: a server that answers with much unread resets the connection, and the client may miss the answer.
    const unannounced = new Blob([JSON.stringify(chat('x'.repeat(19_990)))]).stream();
    assert.deepEqual(await ask({}, { body: unannounced, duplex: 'half' }), [413, 'TOO_LARGE']);
    assert.deepEqual(await ask(chat(EASY), { headers: { 'content-type': 'text/plain' } }), [415, 'BAD_TYPE']);
    assert.deepEqual(await ask(chat(EASY), { headers: { authorization: 'Bearer guess' } }), [401, 'UNAUTHORIZED']);
    assert.deepEqual(await errorOf(await example.ask('/v1/embeddings', {})), [404, 'NOT_FOUND']);
    assert.deepEqual(await errorOf(await example.ask('/embedder.bin')), [404, 'NOT_FOUND']);
    assert.equal(upstream.requests.length, sent);
  });

  test('its memory stays below 100 MB', async () => {
    const { router } = await (await example.ask('/stats')).json();
    assert.ok(router.wasmBytes > 1e6 && router.wasmBytes < 100e6, `${router.wasmBytes}`);
  });
});

test('a file with another hash is refused, one that is not there too, and the next request tries again', async (t) => {
  const upstream = await startUpstream(t);
  const assets = temporaryFolder();
  const bytes = await readFile(join(PKG, 'assets', 'router.bin'));
  const changed = Uint8Array.from(bytes, (byte, at) => byte ^ Number(at === bytes.length - 1));
  await writeFile(join(assets, 'router.bin'), changed);
  await copyFile(join(PKG, 'assets', 'embedder.bin'), join(assets, 'embedder.bin'));
  const broken = await startExample({ vars: varsFor(upstream.url), assets });
  t.after(broken.stop);
  for (const _ of [1, 2]) assert.deepEqual(await errorOf(await broken.ask('/v1/chat/completions', chat(EASY))), [500, 'MISMATCH']);
  assert.equal((await broken.ask('/v1/chat/completions', { ...chat(EASY), model: 'deepseek-chat' })).status, 200);
  await writeFile(join(assets, 'router.bin'), bytes);
  assert.equal((await broken.ask('/v1/chat/completions', chat(EASY))).status, 200);

  const empty = temporaryFolder();
  await writeFile(join(empty, 'other.txt'), 'nothing that is asked for');
  const absent = await startExample({ vars: varsFor(upstream.url), assets: empty });
  t.after(absent.stop);
  assert.deepEqual(await errorOf(await absent.ask('/v1/chat/completions', chat(EASY))), [503, 'IO']);
});

test('many first requests are one load, also where the first client leaves', async (t) => {
  const upstream = await startUpstream(t);
  const example = await startExample({ vars: varsFor(upstream.url) });
  t.after(example.stop);
  const client = new AbortController();
  const headers = { authorization: `Bearer ${ACCESS_KEY}`, 'content-type': 'application/json' };
  const url = new URL('/v1/chat/completions', example.url);
  const left = fetch(url, { method: 'POST', headers, body: JSON.stringify(chat(EASY)), signal: client.signal });
  const others = Array.from({ length: 10 }, () => example.ask('/v1/chat/completions', chat(EASY)));
  setTimeout(() => client.abort(), 30);
  await assert.rejects(left, { name: 'AbortError' });
  for (const response of await Promise.all(others)) assert.equal(response.status, 200);
  const { router: { wasmBytes } } = await (await example.ask('/stats')).json();
  assert.ok(wasmBytes < 60e6, `${wasmBytes}: two routers`);
});

test('a variable that cannot be is named, and its secret’s value is not', async (t) => {
  const good = varsFor('http://127.0.0.1:1/v1');
  const table = [
    [{ UPSTREAMS: '{' }, /^UPSTREAMS: not JSON/],
    [{ UPSTREAMS: { unheard: { baseUrl: 'https://a.example/v1' } } }, /"unheard" is not a candidate/],
    [{ UPSTREAMS: { 'deepseek-chat': { baseUrl: 'https://a.example/v1', keyName: 'ABSENT' } } }, /secret ABSENT is missing/],
    [{ UPSTREAMS: { 'deepseek-chat': { baseURL: 'https://a.example/v1' } } }, /unknown key "baseURL"/],
    [{ TIER: 'half' }, /^TIER/],
    [{ POLICY: { costWeigth: 1 } }, /costWeigth/],
    [{ UPSTREAMS: { c0: { baseUrl: 'https://a.example/v1' } }, CANDIDATES: manyCandidates(8), LEARN: { dimensions: 384 } }, /fewer dimensions/],
    [{ BUDGET_USD: 'much' }, /^BUDGET_USD/],
    [{ TOKEN_SECRET: 'short' }, /^TOKEN_SECRET/],
  ];
  for (const [vars, message] of table) {
    const example = await startExample({ vars: { ...good, ...vars } });
    t.after(example.stop);
    const response = await example.ask('/v1/chat/completions', chat(EASY));
    const { error } = await response.json();
    assert.deepEqual([response.status, error.code], [500, 'BAD_CONFIG']);
    assert.match(error.message, message);
    assert.ok(!error.message.includes(KEY));
  }
});

test('the static tier answers', async (t) => {
  const upstream = await startUpstream(t);
  const example = await startExample({ vars: varsFor(upstream.url, { TIER: 'static' }) });
  t.after(example.stop);
  const router = await createRouter({ tier: 'static', policy: { allow: Object.keys(CANDIDATES) } });
  const { model, reason } = await router.route(EASY);
  const response = await example.ask('/v1/chat/completions', chat(EASY));
  assert.deepEqual([response.status, header(response, 'model'), header(response, 'reason')], [200, model, reason]);
  const { tier, router: { wasmBytes } } = await (await example.ask('/stats')).json();
  assert.equal(tier, 'static');
  assert.ok(wasmBytes < 30e6, `${wasmBytes}`);
});

test('a budget is a fuse: what it does not cover is refused', async (t) => {
  const upstream = await startUpstream(t);
  const example = await startExample({ vars: varsFor(upstream.url, { BUDGET_USD: 1e-6 }) });
  t.after(example.stop);
  assert.deepEqual(await errorOf(await example.ask('/v1/chat/completions', chat(EASY))), [400, 'NO_ELIGIBLE']);
  assert.equal(upstream.requests.length, 0);
});
