/** All the ways in which the upstream goes wrong, how often, and what may come of each. */

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { event } from './answers.mjs';

const JSON_TYPE = { 'content-type': 'application/json' };
const EVENTS = { 'content-type': 'text/event-stream' };
const failure = JSON.stringify({ error: { message: 'the stub was told to fail', type: 'stub', param: null, code: 'stub' } });
const refusal = (status, headers = {}) => ({ response }) => response.writeHead(status, { ...JSON_TYPE, ...headers }).end(failure);
const page = (status) => ({ response }) => response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>');

/**
 * @typedef {object} Fault
 * @property {number} weight how often, beside the others
 * @property {(said: any) => unknown} act
 * @property {'usage' | 'most' | 'nothing'} bills what the stub charges: for what it said, as if it had said all that it may
 *   (it was at work, and nobody knows how far it came), or nothing
 * @property {string[]} ends which outcomes are right where this was the last of a request: `answer`; `status` its error's
 *   status comes through; `broken` the reading fails; `odd` what comes through is no answer, and no error
 */

/** @type {Record<string, Fault>} */
export const FAULTS = {
  well: { weight: 50, act: answer, bills: 'usage', ends: ['answer'] },
  late: { weight: 5, act: late, bills: 'usage', ends: ['answer'] },
  drip: { weight: 2, act: drip, bills: 'usage', ends: ['answer'] },
  silent: { weight: 0.5, act: () => {}, bills: 'most', ends: [] },
  stalls: { weight: 0.5, act: (said) => begin(said, () => {}), bills: 'most', ends: [] },
  overloaded: { weight: 3, act: refusal(429, { 'retry-after': '1' }), bills: 'nothing', ends: ['status'] },
  overloadedBare: { weight: 3, act: refusal(429), bills: 'nothing', ends: ['status'] },
  broken500: { weight: 3, act: refusal(500), bills: 'nothing', ends: ['status'] },
  broken502: { weight: 2, act: page(502), bills: 'nothing', ends: ['status'] },
  broken503: { weight: 3, act: refusal(503), bills: 'nothing', ends: ['status'] },
  unfit: { weight: 2, act: refusal(400), bills: 'nothing', ends: ['status'] },
  refuses: { weight: 1, act: refusal(401), bills: 'nothing', ends: ['status'] },
  strange999: { weight: 1, act: refusal(999), bills: 'nothing', ends: ['status'] },
  moved: { weight: 1, act: refusal(302, { location: '/elsewhere' }), bills: 'nothing', ends: ['status'] },
  drop: { weight: 3, act: ({ response }) => response.destroy(), bills: 'most', ends: ['broken'] },
  halfClosed: { weight: 3, act: (said) => begin(said, () => said.response.destroy()), bills: 'most', ends: ['broken'] },
  endsEarly: { weight: 2, act: (said) => begin(said, () => said.response.end()), bills: 'most', ends: ['broken'] },
  errorEvent: { weight: 2, act: errorEvent, bills: 'most', ends: ['broken', 'status'] },
  malformed: { weight: 3, act: malformed, bills: 'most', ends: ['broken', 'odd'] },
  wrongShape: { weight: 2, act: wrongShape, bills: 'most', ends: ['odd', 'broken'] },
  errorAs200: { weight: 1, act: ({ response }) => response.writeHead(200, JSON_TYPE).end(failure), bills: 'nothing', ends: ['odd', 'broken', 'status'] },
  page: { weight: 2, act: page(200), bills: 'most', ends: ['odd', 'broken'] },
  empty: { weight: 2, act: ({ response }) => response.writeHead(200, JSON_TYPE).end(), bills: 'most', ends: ['broken', 'odd'] },
  nothing: { weight: 1, act: ({ response }) => response.writeHead(204).end(), bills: 'most', ends: ['broken', 'odd'] },
  enormous: { weight: 0.1, act: enormous, bills: 'most', ends: ['odd', 'broken'] },
};

function answer({ response, protocol, said, isStream }) {
  if (!isStream) return response.writeHead(200, JSON_TYPE).end(JSON.stringify(protocol.whole(said)));
  response.writeHead(200, EVENTS);
  return response.end(protocol.pieces(said).map(event).join('') + protocol.last);
}

async function late(asked) {
  await sleep(20 + asked.draw.below(150));
  return answer(asked);
}

/** In pieces that know nothing of lines or characters. */
async function drip({ response, protocol, said, isStream }) {
  const text = isStream ? protocol.pieces(said).map(event).join('') + protocol.last : JSON.stringify(protocol.whole(said));
  const bytes = Buffer.from(text);
  response.writeHead(200, isStream ? EVENTS : JSON_TYPE);
  for (let at = 0; at < bytes.length && !response.destroyed; at += 97) {
    response.write(bytes.subarray(at, at + 97));
    await sleep(3);
  }
  return response.end();
}

/** Half of an answer, and then whatever happens. */
function begin({ response, protocol, said, isStream, draw }, then) {
  const whole = JSON.stringify(protocol.whole(said));
  const pieces = protocol.pieces(said).slice(0, 1 + draw.below(4)).map(event).join('');
  response.writeHead(200, isStream ? EVENTS : { ...JSON_TYPE });
  response.write(isStream ? pieces : whole.slice(0, whole.length >> 1), () => setTimeout(then, 5));
}

function errorEvent({ response, protocol, said, isStream, path }) {
  if (!isStream) return response.writeHead(500, JSON_TYPE).end(failure);
  const error = { code: 'server_error', message: 'the stub was told to fail' };
  response.writeHead(200, EVENTS);
  const last = path.endsWith('/responses') ? { type: 'error', ...error, param: null } : { error: { ...error, type: 'server_error' } };
  return response.end(event(protocol.pieces(said)[0]) + event(last) + protocol.last);
}

function malformed({ response, isStream }) {
  if (!isStream) return response.writeHead(200, JSON_TYPE).end('{"choices":[{"message":{"content":"half');
  return response.writeHead(200, EVENTS).end('data: {"choices":[{"del\n\ndata: [DONE]\n\n');
}

function wrongShape({ response, isStream, draw }) {
  const value = draw.pick(['[]', 'null', '7', '"answer"', '{}', '{"choices":null}', '{"choices":[]}', '{"choices":{"0":1},"output":5}', '{"choices":[null]}']);
  if (!isStream) return response.writeHead(200, JSON_TYPE).end(value);
  return response.writeHead(200, EVENTS).end(`data: ${value}\n\n`);
}

/** Tens of megabytes, as fast as they are taken. */
async function enormous({ response, isStream }) {
  const filling = 'x'.repeat(1 << 20);
  const closed = once(response, 'close');
  response.writeHead(200, isStream ? EVENTS : JSON_TYPE);
  if (!isStream) response.write('{"filling":"');
  for (let megabyte = 0; megabyte < 24 && !response.destroyed; megabyte += 1) {
    const isTaken = response.write(isStream ? event({ choices: [], filling }) : filling);
    if (!isTaken) await Promise.race([once(response, 'drain').catch(() => {}), closed]);
  }
  return response.end(isStream ? '' : '"}');
}
