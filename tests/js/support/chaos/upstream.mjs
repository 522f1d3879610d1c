/** A STUB of an upstream that goes wrong by chance, and whose every bill the accountant sees. */

import { createServer } from 'node:http';
import { once } from 'node:events';
import { protocolOf, wordsFor } from './answers.mjs';
import { chance } from './chance.mjs';
import { FAULTS } from './faults.mjs';

const WEIGHTS = Object.fromEntries(Object.entries(FAULTS).map(([name, { weight }]) => [name, weight]));

/** How the upstream takes the given attempt of a request. */
export function faultOf(seed, id, attempt) {
  return chance(seed, 'fault', id, attempt).weighed(WEIGHTS);
}

/**
 * @param {number} seed
 * @param {import('./accountant.mjs').Accountant} accountant
 * @returns {Promise<{ url: string, stop(): Promise<unknown> }>} `url` ends in /v1
 */
export async function startUpstream(seed, accountant) {
  const server = createServer({ maxHeaderSize: 1 << 16 }, async (request, response) => {
    response.on('error', () => {});
    const text = await textOf(request).catch(() => undefined); // whoever asked has left
    if (text !== undefined) await respond(seed, accountant, { request, response, text });
  });
  server.on('clientError', (_, socket) => socket.destroy());
  server.keepAliveTimeout = 60_000; // no connection breaks but by a fault, also where this process is slow
  server.listen({ port: 0, host: '127.0.0.1', backlog: 512 });
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/v1`,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => { server.close(resolve); });
    },
  };
}

async function textOf(request) {
  return Buffer.concat(await request.toArray()).toString();
}

/** Every request names itself in its prompt; what names nothing is no request for a language model. */
async function respond(seed, accountant, { request, response, text }) {
  const id = Number(/Request (\d+)\b/.exec(text)?.[1] ?? Number.NaN);
  const body = parsed(text);
  if (Number.isNaN(id) || typeof body?.model !== 'string') {
    return response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":{"code":"stub","message":"no request"}}');
  }
  const attempt = accountant.attemptsOf(id);
  const fault = faultOf(seed, id, attempt);
  const { act, bills } = FAULTS[fault];
  const said = { text: wordsFor(id, body.model), model: body.model };
  const ask = accountant.ask({ id, fault, body });
  if (bills === 'nothing' && !ask.isHarsh) ask.bill({ answerTokens: 0, inputTokens: 0 });
  if (bills === 'usage') said.usage = ask.bill(ask.used(said.text));
  const asked = { response, said, protocol: protocolOf(request.url), path: request.url, isStream: body.stream === true, draw: chance(seed, 'act', id, attempt) };
  return act(asked);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
