/**
 * examples/worker in workerd beside the same router in Node, and 10,000 requests through it. The clock of a Worker stands
 * still, so all is measured from outside: a request for a model by its name takes the same way through the same Worker but
 * for the decision, and is taken off. Both take turns, so that whatever else the machine does meets both alike.
 *
 *     node benches/worker.mjs [requests, 10000 unless given; 0 for none] [--flood: only these]
 */

import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { argv } from 'node:process';
import { createRouter } from '../pkg/node.js';
import { ACCESS_KEY, startExample } from '../tests/js/support/worker-example.mjs';

const ROUNDS = 300;
const WARM_UP = 50;
const AT_ONCE = 50;
const IDS = ['gpt-4o-2024-05-13', 'llama-3.1-70b-instruct', 'deepseek-chat', 'llama-3.1-8b-instruct'];
const LEARN = { shared: true, dimensions: 64 };

/** Some 16 tokens each, no two alike. */
const prompt = (at) => `Question ${at}: which enzyme unwinds the double helix of DNA, and in what order?`;
const chat = (model, content) => ({ model, messages: [{ role: 'user', content }] });
const quantile = (values, q) => values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))];
const ms = (value) => value.toFixed(2);

const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

/** Node's own client, because what `fetch` costs would be most of what is measured. The host's name chooses the isolate. */
async function post(example, isolate, path, body) {
  const headers = { host: `${isolate}.test`, authorization: `Bearer ${ACCESS_KEY}`, 'content-type': 'application/json' };
  const sent = request(new URL(path, example.url), { method: 'POST', agent, headers });
  sent.end(JSON.stringify(body));
  const [response] = await once(sent, 'response');
  const text = Buffer.concat(await response.toArray()).toString();
  return { status: response.statusCode, headers: response.headers, json: JSON.parse(text), text };
}

async function timed(call) {
  const begun = performance.now();
  await call();
  return performance.now() - begun;
}

/** A STUB of an upstream: it answers with the model that was asked for and the text that was sent. */
async function startStub() {
  let heard = 0;
  const server = createServer(async (request, response) => {
    heard += 1;
    const { model, messages } = JSON.parse(Buffer.concat(await request.toArray()).toString());
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ model, said: messages[0].content }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { url: `http://127.0.0.1:${server.address().port}/v1`, heard: () => heard, stop: () => server.close().closeAllConnections() };
}

async function start(stub, tier, isolates = ['a']) {
  const upstreams = Object.fromEntries(IDS.map((id) => [id, { baseUrl: stub.url }]));
  return startExample({ vars: { TIER: tier, UPSTREAMS: upstreams }, isolates });
}

async function answer(example, model, content) {
  const { status, json, text } = await post(example, 'a', '/v1/chat/completions', chat(model, content));
  if (status !== 200 || json.said !== content) throw new Error(`${status}: ${text} is no answer to ${content}`);
}

/** The first request of an isolate with its load, and one that is warm, each beside Node. */
async function latency(stub, tier) {
  const example = await start(stub, tier);
  await answer(example, IDS[0], 'begun');
  const first = await timed(() => answer(example, 'auto', prompt(0)));
  let router;
  const nodeFirst = await timed(async () => {
    router = await createRouter({ tier, learn: LEARN, policy: { allow: IDS } });
    await router.route(prompt(0));
  });
  const [routed, empty, node] = [[], [], []];
  for (let at = 0; at < ROUNDS + WARM_UP; at += 1) {
    routed.push(await timed(() => answer(example, 'auto', prompt(at))));
    empty.push(await timed(() => answer(example, IDS[0], prompt(at))));
    node.push(await timed(() => router.route(prompt(at))));
  }
  const { router: { wasmBytes } } = await (await example.ask('/stats')).json();
  await example.stop();
  await router[Symbol.asyncDispose]();
  report(tier, { first, nodeFirst, wasmBytes, all: [routed, empty, node].map((times) => times.slice(WARM_UP)) });
}

function report(tier, { first, nodeFirst, wasmBytes, all: [routed, empty, node] }) {
  const base = quantile(empty, 0.5);
  const own = routed.map((time) => time - base);
  console.log(`\n${tier}: first request with its load ${ms(first)} ms, Node ${ms(nodeFirst)} ms; wasm memory ${(wasmBytes / 2 ** 20).toFixed(0)} MiB`);
  console.log(`  ms                       median     p95`);
  for (const [name, times] of [['request, routed', routed], ['request, named', empty], ['decision in workerd', own], ['route() in Node', node]]) {
    console.log(`  ${name.padEnd(22)} ${ms(quantile(times, 0.5)).padStart(8)}${ms(quantile(times, 0.95)).padStart(8)}`);
  }
  const [median, late] = [0.5, 0.95].map((q) => quantile(own, q) / quantile(node, q));
  console.log(`  workerd / Node: medians ${median.toFixed(2)} (bar for full: 1.3), p95 ${late.toFixed(2)}`);
}

/** Every answer must belong to its request, and every outcome, told to the other isolate, must count once. */
async function flood(stub, tier, count) {
  const isolates = ['a', 'b'];
  const example = await start(stub, tier, isolates);
  const [before, tokens, wrong] = [stub.heard(), new Set(), []];
  let next = 0;
  const one = async (at) => {
    const content = prompt(at);
    const { headers, json, text } = await post(example, isolates[at % 2], '/v1/chat/completions', chat('auto', content));
    if (json.said !== content || json.model !== headers['x-pointsman-model']) wrong.push(`${at}: ${text}`);
    const id = headers['x-pointsman-decision'];
    const heard = await post(example, isolates[(at + 1) % 2], '/v1/feedback', { id, score: at % 3 / 2, usd: 0.001 });
    if (heard.status !== 200) wrong.push(`${at}: feedback ${heard.status} ${heard.text}`);
    tokens.add(id);
  };
  const worker = async () => { while (next < count) await one(next++); };
  const taken = await timed(() => Promise.all(Array.from({ length: AT_ONCE }, worker)));
  const { feedbacks, refused, stateBytes, databaseBytes } = await example.settled();
  await example.stop();
  console.log(`\n${count} requests, ${AT_ONCE} at a time, two isolates, ${tier}: ${(taken / 1000).toFixed(0)} s`);
  console.log(`  wrong or lost: ${wrong.length}; upstream heard ${stub.heard() - before}; tokens ${tokens.size}`);
  console.log(`  feedback counted: ${feedbacks}, refused deltas ${refused}; state ${stateBytes} bytes, database ${databaseBytes}`);
  if (wrong.length > 0 || feedbacks !== count || refused !== 0 || tokens.size !== count) throw new Error(`not exact: ${wrong.slice(0, 5).join('; ')}`);
}

const stub = await startStub();
if (!argv.includes('--flood')) for (const tier of ['full', 'static']) await latency(stub, tier);
const count = Number(argv[2] ?? 10_000);
if (count > 0) await flood(stub, 'static', count);
stub.stop();
