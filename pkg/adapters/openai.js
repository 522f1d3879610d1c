/** `fetch` for the `openai` SDK and everything that speaks its protocol: `model: "auto"` becomes the decided candidate. */

import { PointsmanError, badInput } from '../error.js';
import { checkKeys, readCallback } from '../options.js';
import { asRequest, bodyText, parsed, withModel } from './body.js';
import { Dispatcher, candidatesOf, isRetryableStatus } from './dispatch.js';
import { inputOf, needsOf } from './request.js';

const ROUTED = /\/(chat\/completions|responses)\/?$/;

/**
 * The response of `fetch` behind each one handed out. Node ends a body's stream when its response is collected as
 * garbage, so this must live as long as that.
 */
const origins = new WeakMap();

/** @type {typeof import('./openai.js').routedFetch} */
export function routedFetch(router, options = {}) {
  checkKeys('routedFetch', options);
  const aliases = readAliases(options.alias);
  const names = options.models === undefined ? ownNames(router) : readNames(options.models);
  const dispatcher = new Dispatcher(router, names.keys(), options);
  // Called by a bare name: some runtimes refuse a `fetch` that is called as a method.
  const send = readCallback('fetch', options.fetch) ?? ((input, init) => globalThis.fetch(input, init));

  return async function fetch(input, init) {
    const text = isRouted(input) ? await bodyText(input, init) : undefined;
    const body = parsed(text);
    if (text === undefined || !aliases.includes(body?.model)) return send(input, init);
    const request = asRequest(input);
    const call = callOf(body, init?.signal ?? request?.signal);
    const routed = await dispatcher.decide(call).catch(refusal);
    if (routed instanceof Response) return routed;
    const { value, ...sent } = await dispatcher.send(routed, {
      ask: (model, isFirst) => send(input, {
        ...init,
        headers: headersFor(model, init?.headers ?? request?.headers, isFirst),
        body: withModel(text, names.get(model)),
      }),
      mayRetry,
      discard: (response) => response.body?.cancel(),
    });
    return marked(value, sent);
  };
}

/** @param {string | URL | Request} input */
function isRouted(input) {
  const url = asRequest(input)?.url ?? `${input}`;
  return ROUTED.test(url.split(/[?#]/, 1)[0]);
}

/** A body of chat completions (`messages`) or responses (`input`), as the dispatcher takes it. */
function callOf(body, signal) {
  const messages = body.messages ?? messagesOf(body);
  const format = body.response_format ?? body.text?.format;
  const needs = needsOf({ messages, tools: body.tools ?? body.functions, format });
  const input = inputOf(messages, [body.tools, body.functions, format?.json_schema ?? format?.schema]);
  return { source: body, input, needs, maxOutputTokens: longestOf(body), signal };
}

/** The longest that all answers together can be. Which of its names for the limit an upstream heeds, it does not say. */
function longestOf({ max_completion_tokens: chat, max_output_tokens: responses, max_tokens: old, n }) {
  const limits = [chat, responses, old].filter((limit) => Number.isFinite(limit) && limit >= 0);
  const answers = Number.isSafeInteger(n) && n > 1 ? n : 1;
  return limits.length > 0 ? answers * Math.max(...limits) : undefined;
}

/** What `responses` calls input: a text, or items of which messages and the results of tools have content. */
function messagesOf({ input, instructions }) {
  const before = instructions === undefined || instructions === null ? [] : [{ role: 'system', content: instructions }];
  if (typeof input === 'string' && before.length > 0) return [...before, { role: 'user', content: input }];
  if (!Array.isArray(input)) return input ?? before;
  return [...before, ...input.map((item) => (item?.role ? item : { ...(typeof item === 'object' ? item : {}), role: 'tool', content: contentOf(item?.output) }))];
}

/** A tool's result: a text, parts, or one part such as a screenshot. */
function contentOf(output) {
  return typeof output === 'string' ? output : [output ?? []].flat();
}

/**
 * The headers without the length, which was that of the body as it came. An idempotency key stands for one body, so
 * every further candidate gets its own: under the first one's it would get the first one's failure, or a refusal.
 */
function headersFor(model, given, isFirst) {
  // SDKs give Headers without a length: the usual case is spared a copy.
  if (isFirst && given instanceof Headers && !given.has('content-length')) return given;
  const headers = new Headers(given);
  headers.delete('content-length');
  const key = headers.get('idempotency-key');
  if (key !== null && !isFirst) headers.set('idempotency-key', `${key}-${ascii(model)}`);
  return headers;
}

/**
 * Whether this failure says nothing about other candidates. `x-should-retry` is how OpenAI overrules its status.
 *
 * @param {{ value?: any, error?: any }} outcome
 */
function mayRetry({ value, error }) {
  if (error !== undefined) return true;
  const told = value.headers.get('x-should-retry');
  return told === null ? isRetryableStatus(value.status) : told === 'true' && !value.ok;
}

/**
 * What a request that cannot be routed gets in place of an answer: SDKs take what `fetch` throws for a broken
 * connection, hide it, and try again for up to minutes. The caller's own errors, such as an abort's reason, pass.
 */
function refusal(error) {
  if (!(error instanceof PointsmanError)) throw error;
  const { code, message } = error;
  const status = ['BAD_INPUT', 'NO_ELIGIBLE', 'INFEASIBLE'].includes(code) ? 400 : 500;
  const headers = { 'x-should-retry': 'false', 'x-pointsman-error': code };
  return Response.json({ error: { message, type: 'pointsman_error', param: null, code } }, { status, headers });
}

/** The same response, with the decision in its headers; but a status that only a server can give cannot be copied. */
function marked(response, { decision, failed }) {
  if (response.status < 200 || response.status > 599) return response;
  const copy = new Response(response.body, response);
  copy.headers.set('x-pointsman-model', ascii(decision.model));
  copy.headers.set('x-pointsman-decision', decision.id);
  copy.headers.set('x-pointsman-reason', decision.reason);
  if (failed.length > 0) copy.headers.set('x-pointsman-failed', failed.map(ascii).join(', '));
  Object.defineProperties(copy, { url: { value: response.url }, redirected: { value: response.redirected } });
  origins.set(copy, response);
  return copy;
}

/** A header holds no other characters. */
function ascii(text) {
  return text.replace(/[^\x20-\x7e]+/g, encodeURIComponent);
}

/** @param {string | readonly string[]} [alias] */
function readAliases(alias = 'auto') {
  /** @type {any[]} */
  const aliases = [alias].flat();
  const isName = (name) => typeof name === 'string' && name !== '';
  if (aliases.length > 0 && aliases.every(isName)) return aliases;
  throw badInput('alias: expected the name that stands for the router in `model`, or a list of such names');
}

/** Every candidate under its own id. */
function ownNames(router) {
  return new Map(candidatesOf(router).map(({ id }) => [id, id]));
}

/** The upstream's names by candidate. */
function readNames(models) {
  const names = new Map(Object.entries(Object(models)));
  const isName = (name) => typeof name === 'string' && name !== '';
  if (names.size > 0 && [...names.values()].every(isName) && !Array.isArray(models)) return names;
  throw badInput('models: expected the upstream’s names by candidate, such as { "gpt-4o": "openai/gpt-4o" }');
}
