/** The three kinds of callers: clients of `routedFetch`, users of `routedModel`, clients of the example Worker. */

import { generateText, streamText } from 'ai7';
import OpenAI from 'openai';
import { createOpenAICompatible } from 'provider7';
import { routedModel } from '../../../../pkg/adapters/ai-sdk.js';
import { routedFetch } from '../../../../pkg/adapters/openai.js';
import { createRouter } from '../../../../pkg/node.js';
import { ACCESS_KEY, startExample } from '../worker-example.mjs';
import { protocolOf, readEvents, wordsFor } from './answers.mjs';
import { UPSTREAM, brokenBy, reading, refusedBy } from './outcomes.mjs';
import { promptOf } from './requests.mjs';

const FALLBACKS = [false, true, 1];

/**
 * @typedef {object} Caller
 * @property {(plan: import('./requests.mjs').Plan, signal: AbortSignal) => Promise<{ kind: string, label?: string, decision?: string }>} call
 * @property {(decision: string, usd: number) => unknown} settle tells what a call cost
 * @property {() => Promise<{ limitUsd: number, committedUsd: number }>} budget
 * @property {() => Promise<unknown>} stop
 *
 * @typedef {object} Setting
 * @property {string} url of the upstream
 * @property {number} seed
 * @property {readonly { id: string }[]} candidates
 * @property {number} budgetUsd
 * @property {number} patienceMs how long the callers wait, and the Worker for its upstreams
 * @property {(line: string) => void} log
 */

/** @type {Record<string, (setting: Setting) => Promise<Caller>>} */
export const CALLERS = { fetch: fetchCaller, model: modelCaller, worker: workerCaller };

async function routerFor({ seed, budgetUsd }) {
  const router = await createRouter({ tier: 'static', seed, budgetUsd });
  await router.rank('What is compiled when it is first needed is not what any caller waits for.');
  const settle = (decision, usd) => router.feedback(decision, { usd });
  return { router, settle, budget: async () => router.stats().budget, stop: () => router[Symbol.asyncDispose]() };
}

/** Half of them by the real `openai` client, and whatever it would not send by plain `fetch`. */
async function fetchCaller(setting) {
  const { router, ...books } = await routerFor(setting);
  const policy = (body) => (typeof body.user === 'string' ? { session: body.user } : {});
  const ways = FALLBACKS.map((fallback) => {
    const fetch = routedFetch(router, { fallback, policy });
    return { fetch, client: new OpenAI({ apiKey: 'none', baseURL: setting.url, maxRetries: 0, fetch, logLevel: 'off' }) };
  });
  const call = (plan, signal) => {
    const { fetch, client } = plan.draw.pick(ways);
    const byClient = !plan.isOdd && plan.draw.is(0.5);
    return patiently(signal, setting.patienceMs, (within) => (byClient ? byOpenAI(client, plan, within) : byFetch(fetch, setting.url, plan, within)));
  };
  return { call, ...books };
}

/** Within the caller's patience, or until it leaves. */
async function patiently(left, ms, ask) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ms);
  const leave = () => controller.abort();
  left.addEventListener('abort', leave, { once: true });
  try {
    return await ask(controller.signal);
  } catch (error) {
    return brokenBy(error, controller.signal.aborted && (left.aborted ? 'aborted' : 'timeout'));
  } finally {
    clearTimeout(timer);
    left.removeEventListener('abort', leave);
  }
}

async function byOpenAI(client, plan, signal) {
  const api = plan.path === '/responses' ? client.responses : client.chat.completions;
  const { data, response } = await api.create(plan.body, { signal }).withResponse();
  const decision = response.headers.get('x-pointsman-decision') ?? undefined;
  const expected = wordsFor(plan.id, response.headers.get('x-pointsman-model') ?? plan.body.model);
  const protocol = protocolOf(plan.path);
  if (!plan.body.stream) return { ...reading(() => protocol.textOf(data), expected), decision };
  let [text, finished] = ['', false];
  for await (const piece of data) {
    text += piece ? protocol.deltaOf(piece) : '';
    finished ||= Boolean(piece && protocol.isLast(piece));
  }
  if (signal.aborted) throw signal.reason; // where it is aborted, this client ends a stream in silence
  return finished ? { ...reading(() => text, expected), decision } : { kind: 'broken', label: 'unfinished stream', decision };
}

async function byFetch(fetch, url, { method, headers, path, body, id, isOdd }, signal) {
  const init = { method, headers, body: isOdd ? body : JSON.stringify(body), signal };
  const response = await fetch(`${url}${path}`, init);
  const model = response.headers.get('x-pointsman-model') ?? (isOdd ? modelIn(body) : body.model);
  const decision = response.headers.get('x-pointsman-decision') ?? undefined;
  const text = await response.text();
  if (response.headers.has('x-pointsman-error')) return refusedBy(JSON.parse(text));
  if (!response.ok) return { kind: 'status', label: `${response.status}` };
  return { ...unlessUnfinished(readBody(response, text, path, wordsFor(id, model))), decision };
}

/** Where the response is the upstream's own, its reader can tell that a stream ended too early. */
function unlessUnfinished(outcome) {
  return outcome.kind === 'unfinished' ? { kind: 'broken', label: 'unfinished stream' } : outcome;
}

/** What a successful response holds. */
function readBody(response, text, path, expected) {
  const protocol = protocolOf(path);
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return reading(() => protocol.textOf(JSON.parse(text)), expected);
  const { text: said, error, isFinished } = readEvents(text, protocol);
  if (error) return { kind: UPSTREAM[error.code] ?? 'broken', label: `event ${error.code}` };
  return isFinished ? reading(() => said, expected) : { kind: 'unfinished' };
}

function modelIn(body) {
  try {
    return JSON.parse(body).model;
  } catch {
    return undefined;
  }
}

async function modelCaller(setting) {
  const { router, ...books } = await routerFor(setting);
  const provider = createOpenAICompatible({ name: 'stub', baseURL: setting.url });
  const delegates = Object.fromEntries(router.candidates.map(({ id }) => [id, provider(id)]));
  const models = FALLBACKS.map((fallback) => routedModel(router, delegates, { fallback }));
  const call = (plan, signal) => patiently(signal, setting.patienceMs, (within) => bySdk(plan.draw.pick(models), plan, within));
  return { call, ...books };
}

/** @returns {any} options that the AI SDK takes, or refuses itself */
function optionsOf({ id, draw, isOdd, isLimited }) {
  const prompt = promptOf(id, draw);
  const limit = (isLimited || draw.is(0.7)) && { maxOutputTokens: 1 + draw.below(500) };
  const options = { messages: [{ role: 'user', content: prompt }], ...limit };
  if (draw.is(0.2)) options.messages.push(...toolTurn(draw));
  if (!isOdd) return options;
  return { ...options, ...draw.pick([
    { messages: [] }, { messages: [{ role: 'user', content: `${prompt} \ud83d` }] }, { messages: [{ role: 'user', content: '' }] },
    { messages: [{ role: 'nobody', content: prompt }] }, { maxOutputTokens: -5 }, { messages: [{ role: 'user', content: [{ type: 'text' }] }] },
  ]) };
}

/** What no version of the AI SDK hands to a language model, but somebody who calls it directly may. */
function rawCallOf({ id, draw }) {
  const text = { type: 'text', text: promptOf(id, draw) };
  const said = { role: 'user', content: [text] };
  const odd = draw.pick([undefined, null, 5, 'text', {}, [], { toString: 1 }, { mediaType: { toString: 1 } }, { output: { value: [null] } }, { output: 7, input: null }, { role: 7 }, { text: 5 }]);
  const call = draw.pick([
    { prompt: odd }, { prompt: [said, odd] }, { prompt: [{ role: 'user', content: [text, odd] }] }, { prompt: [said, { role: 'tool', content: [odd] }] },
    { prompt: [said], tools: odd }, { prompt: [said], responseFormat: odd }, { prompt: [{ role: odd, content: [text] }] },
  ]);
  return { maxOutputTokens: 20, ...call };
}

function toolTurn(draw) {
  const call = { toolCallId: 'c1', toolName: 'look' };
  const text = draw.is(0.5);
  const value = `${'what was found there '.repeat(1 + draw.below(60))}`;
  return [
    { role: 'assistant', content: [{ type: 'tool-call', ...call, input: { what: 'the helix '.repeat(20) } }] },
    { role: 'tool', content: [{ type: 'tool-result', ...call, output: text ? { type: 'text', value } : { type: 'json', value: { found: [value] } } }] },
  ];
}

async function bySdk(model, plan, signal) {
  if (plan.isOdd && plan.draw.is(0.5)) return directly(model, { ...rawCallOf(plan), abortSignal: signal }, plan);
  const options = { ...optionsOf(plan), model, maxRetries: 0, abortSignal: signal };
  if (!plan.draw.is(0.4)) {
    const { text, providerMetadata } = await generateText(options);
    return judged(plan, text, providerMetadata);
  }
  let failure;
  const result = streamText({ ...options, onError({ error }) { failure ??= error; } });
  let text = '';
  for await (const delta of result.textStream) text += delta;
  if (failure) throw failure;
  if (signal.aborted) throw signal.reason;
  const [finish, metadata] = [await result.finishReason, await result.providerMetadata];
  return finish === 'stop' ? judged(plan, text, metadata) : { kind: 'broken', label: `finish ${finish}` };
}

/** An odd prompt that the router has nothing against is the provider's to refuse, and its errors are its own. */
async function directly(model, call, plan) {
  try {
    const { content, providerMetadata } = await model.doGenerate(call);
    return judged(plan, content.map((part) => part.text ?? '').join(''), providerMetadata);
  } catch (error) {
    const isFromProvider = /node_modules\/(provider7|@ai-sdk)\//.test(`${error?.stack}`.split('\n')[1]);
    throw isFromProvider ? Object.assign(error, { isFromProvider }) : error;
  }
}

function judged({ id }, text, { pointsman }) {
  return { ...reading(() => text, wordsFor(id, pointsman.model)), decision: pointsman.id };
}

/** The Worker answers whatever becomes of its upstreams, so that its clients can wait longer than for all of them. */
async function workerCaller({ url, candidates, budgetUsd, patienceMs, log }) {
  const upstreams = Object.fromEntries(candidates.map(({ id }) => [id, { baseUrl: url }]));
  const seconds = patienceMs / 1000;
  const vars = {
    UPSTREAMS: upstreams, TIER: 'static', BUDGET_USD: budgetUsd, UPSTREAM_SECONDS: seconds, UPSTREAM_IDLE_SECONDS: seconds,
    MAX_BODY_BYTES: 200_000, MAX_ANSWER_BYTES: 1e6,
  };
  const example = await startExample({ vars, log });
  const at = new URL('/v1', example.url).href;
  return {
    call: (plan, signal) => patiently(signal, 20 * patienceMs, (within) => byWorker(at, plan, within)),
    settle: async (id, usd) => {
      const response = await example.ask('/v1/feedback', { id, usd });
      if (!response.ok) throw new Error(`feedback: ${response.status} ${await response.text()}`);
      await response.json();
    },
    budget: async () => (await (await example.ask('/stats')).json()).router.budget,
    stop: example.stop,
  };
}

/** Asked for as it is: of a compressed answer that is aborted on its way, Node 20's `text()` never hears, from any server. */
async function byWorker(url, plan, signal) {
  const headers = { authorization: `Bearer ${ACCESS_KEY}`, 'accept-encoding': 'identity', ...plan.headers };
  const { method, path, isOdd } = plan;
  const response = await fetch(`${url}${path}`, { method, headers, body: isOdd ? plan.body : JSON.stringify(plan.body), signal });
  const decision = response.headers.get('x-pointsman-decision') ?? undefined;
  const text = await response.text();
  if (response.ok) {
    const model = response.headers.get('x-pointsman-model') ?? modelIn(isOdd ? plan.body : JSON.stringify(plan.body));
    return { ...readBody(response, text, path, wordsFor(plan.id, model)), decision };
  }
  return refusedBy(JSON.parse(text), response.status);
}
