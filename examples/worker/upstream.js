/** Asks the upstream that a model's requests go to, and takes no answer for one that is none. */

import { Problem, errorBody } from './errors.js';
import { watched } from './stream.js';

/** What of the client's headers an upstream may see: not its key, and nothing of where it is. */
const PASSED = ['content-type', 'accept', 'idempotency-key', 'openai-beta'];

export function passedHeaders(headers) {
  return new Headers(PASSED.flatMap((name) => (headers.has(name) ? [[name, headers.get(name)]] : [])));
}

/**
 * The `fetch` that `routedFetch` sends with. Which upstream it is, the body's own `model` says by then.
 *
 * @param {any} env
 * @param {import('./config.js').Config} config
 */
export function sender(env, { byName, others, limits }) {
  return async function send(path, { headers, body }) {
    const { model } = JSON.parse(body);
    const upstream = byName.get(model) ?? others;
    if (!upstream) {
      throw new Problem(404, 'MODEL_NOT_FOUND', `model: nothing here is called ${JSON.stringify(model)}; GET /v1/models lists what is`);
    }
    const sent = new Headers(headers);
    if (upstream.keyName) sent.set('authorization', `Bearer ${env[upstream.keyName]}`);
    return ask(`${upstream.baseUrl}${path}`, { method: 'POST', headers: sent, body, redirect: 'manual' }, { upstream, limits, path });
  };
}

/** @param {{ upstream: import('./config.js').Upstream, limits: any, path: string }} about */
async function ask(url, init, about) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), about.limits.timeoutMs);
  try {
    const response = await fetch(url, { ...init, signal: stop.signal });
    const isStream = response.ok && /^text\/event-stream\b/.test(response.headers.get('content-type'));
    return isStream ? watched(response, about) : await whole(response, about);
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    if (stop.signal.aborted) throw new Problem(504, 'UPSTREAM_TIMEOUT', `${nameOf(about)} did not answer within ${about.limits.timeoutMs / 1000} s`);
    throw new Problem(502, 'UPSTREAM_BROKEN', `${nameOf(about)} cannot be reached or broke off: ${cause.message}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** An answer in one piece, read before it is passed on: one that breaks off or is no JSON can still go elsewhere. */
async function whole(response, about) {
  const bytes = await read(response, about);
  const body = parsed(bytes);
  if ([401, 403].includes(response.status)) {
    const { keyName } = about.upstream;
    const remedy = keyName ? `put another into the secret ${keyName}` : 'name the secret that holds one by keyName';
    throw new Problem(502, 'UPSTREAM_AUTH', `${nameOf(about)} refuses this Worker’s key; ${remedy}`);
  }
  if (response.ok && !body) throw new Problem(502, 'UPSTREAM_BROKEN', `${nameOf(about)} answered ${response.status} without a JSON object`);
  const status = statusOf(response, body);
  const headers = new Headers(response.headers);
  for (const name of ['content-encoding', 'content-length', 'set-cookie', 'location']) headers.delete(name);
  if (response.ok || body?.error) return new Response(bytes, { status, headers });
  headers.set('content-type', 'application/json');
  const message = `${nameOf(about)} answered ${response.status} ${response.statusText}`.trim();
  return new Response(JSON.stringify({ error: errorBody(status, 'UPSTREAM_STATUS', message) }), { status, headers });
}

/** A redirect is no answer, nor is a status that there is not, or an error that calls itself a success, as some gateways send. */
function statusOf({ ok, status }, body) {
  if (ok) return body.error && !body.choices && !body.output ? 502 : status;
  return status >= 400 && status < 600 ? status : 502;
}

async function read(response, about) {
  const chunks = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > about.limits.answerBytes) throw new Problem(502, 'UPSTREAM_BROKEN', `${nameOf(about)} answered more than MAX_ANSWER_BYTES`);
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

function parsed(bytes) {
  try {
    const body = JSON.parse(new TextDecoder().decode(bytes));
    return body !== null && typeof body === 'object' && !Array.isArray(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

/** Its host, and nothing of a key. */
export function nameOf({ upstream }) {
  return `upstream ${new URL(upstream.baseUrl).host}`;
}
