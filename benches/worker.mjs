/**
 * examples/worker in workerd beside a Node server that does the same, and 10,000 requests through it. The clock of a Worker
 * stands still, so all is measured from outside: a request for a model by its name takes the same way through the same
 * server but for the decision, and is taken off. All take turns, so that what else the machine does meets all alike.
 *
 *     node benches/worker.mjs [requests, 10000 unless given; 0 for none] [--flood: only these]
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { argv } from 'node:process';
import { createRouter } from '../pkg/node.js';
import { ACCESS_KEY, startExample } from '../tests/js/support/worker-example.mjs';
import { quantile } from './peers/statistics.mjs';

const ROUNDS = 300;
const BLOCK = 60;
const WARM_UP = 50;
const AT_ONCE = 50;
const IDS = ['gpt-4o-2024-05-13', 'llama-3.1-70b-instruct', 'deepseek-chat', 'llama-3.1-8b-instruct'];
const LEARN = { shared: true, dimensions: 64 };

/** Some 16 tokens each, no two alike. */
const prompt = (at) => `Question ${at}: which enzyme unwinds the double helix of DNA, and in what order?`;
const chat = (model, content) => ({ model, messages: [{ role: 'user', content }] });
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

/** Node's counterpart, in a process of its own as workerd is: it decides, asks the upstream and passes on the answer. */
async function serve(tier, upstream) {
  const router = await createRouter({ tier, learn: LEARN, policy: { allow: IDS } });
  const ask = new Agent({ keepAlive: true });
  const server = createServer(async (asked, response) => {
    const { model, messages } = JSON.parse(Buffer.concat(await asked.toArray()).toString());
    const chosen = model === 'auto' ? (await router.route(messages)).model : model;
    const sent = request(`${upstream}/chat/completions`, { method: 'POST', agent: ask });
    sent.end(JSON.stringify({ model: chosen, messages }));
    const [answered] = await once(sent, 'response');
    answered.pipe(response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  process.send(`http://127.0.0.1:${server.address().port}`);
}

async function startNode(tier, upstream) {
  const child = fork(argv[1], ['--serve', tier, upstream]);
  const [url] = await once(child, 'message');
  return { url, stop: () => child.kill() };
}

async function answer(example, model, content) {
  const { status, json, text } = await post(example, 'a', '/v1/chat/completions', chat(model, content));
  if (status !== 200 || json.said !== content) throw new Error(`${status}: ${text} is no answer to ${content}`);
}

/** The first request of an isolate with its load, and one that is warm, beside Node. */
async function latency(stub, tier) {
  const example = await start(stub, tier);
  await answer(example, IDS[0], 'begun');
  const first = await timed(() => answer(example, 'auto', prompt(0)));
  const node = await startNode(tier, stub.url);
  const ways = [[example, 'auto'], [node, 'auto'], [example, IDS[0]], [node, IDS[0]]].map((way) => ({ way, times: [] }));
  for (let at = 0; at < ROUNDS + WARM_UP; at += 1) {
    for (const { way: [server, model], times } of ways) times.push(await timed(() => answer(server, model, prompt(at))));
  }
  const { router: { wasmBytes } } = await (await example.ask('/stats')).json();
  await example.stop();
  node.stop();
  console.log(`\n${tier}: first request with its load ${ms(first)} ms; wasm memory ${(wasmBytes / 2 ** 20).toFixed(0)} MiB`);
  report(ways.map(({ times }) => times.slice(WARM_UP)));
}

function report([routed, nodeRouted, named, nodeNamed]) {
  const less = (times, base) => times.map((time) => time - quantile(base, 0.5));
  const rows = {
    'request, routed': [routed, nodeRouted],
    'request, named': [named, nodeNamed],
    'the decision': [less(routed, named), less(nodeRouted, nodeNamed)],
  };
  console.log('  ms: median, p95        workerd              Node');
  for (const [name, both] of Object.entries(rows)) {
    const figures = both.map((times) => [0.5, 0.95].map((q) => ms(quantile(times, q)).padStart(9)).join(''));
    console.log(`  ${name.padEnd(16)} ${figures.join('  ')}`);
  }
  // By blocks, because other work on the machine comes and goes: a ratio is of medians of the same moments.
  const ratios = [];
  for (let at = 0; at < ROUNDS; at += BLOCK) {
    const [a, b, c, d] = [routed, nodeRouted, named, nodeNamed].map((times) => quantile(times.slice(at, at + BLOCK), 0.5));
    ratios.push((a - c) / (b - d));
  }
  const [low, median, high] = [0, 0.5, 1].map((q) => quantile(ratios, q).toFixed(2));
  console.log(`  the decision, workerd / Node, medians of ${BLOCK} rounds: ${median} (${low} to ${high}); bar for full: 1.3`);
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

async function main() {
  const stub = await startStub();
  if (!argv.includes('--flood')) for (const tier of ['full', 'static']) await latency(stub, tier);
  const count = Number(argv[2] ?? 10_000);
  if (count > 0) await flood(stub, 'static', count);
  stub.stop();
  agent.destroy();
}

await (argv[2] === '--serve' ? serve(argv[3], argv[4]) : main());
