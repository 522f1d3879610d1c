/** A STUB of an upstream that misbehaves as it is told, because no paid language model can be asked here, nor would it. */

import { createServer } from 'node:http';
import { once } from 'node:events';

const error = { error: { message: 'the stub was told to fail', type: 'stub', param: null, code: 'stub' } };

/** @type {Record<string, (response: import('node:http').ServerResponse, model: string) => void>} */
const BEHAVIOURS = {
  well: (response, model) => json(response, 200, { model }),
  overloaded: (response) => json(response, 429, error, { 'retry-after': '7' }),
  broken: (response) => json(response, 503, error),
  unfit: (response) => json(response, 400, error),
  refuses: (response) => json(response, 401, error),
  gateway: (response) => page(response, 502),
  page: (response) => page(response, 200),
  drop: (response) => response.destroy(),
  silent: () => {},
  halfway: (response) => response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 }).write('{"model":', () => response.destroy()),
  malformed: (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"model":'),
  endless: (response) => json(response, 200, { filling: 'x'.repeat(20_000) }),
  list: (response) => json(response, 200, []),
  errorAs200: (response) => json(response, 200, error),
  strange: (response) => json(response, 999, error),
  moved: (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
  streamBreaks: (response) => begin(response, () => response.destroy()),
  streamFallsSilent: (response) => begin(response, () => {}),
  streamEndsEarly: (response) => begin(response, () => response.end()),
};

/**
 * @returns {Promise<{ url: string, behave(by: Record<string, string>): void, say(text: string, size: number): void, asked(): string[], stop(): Promise<unknown> }>}
 *   `behave` says by model how, well where nothing is said; `say` what whoever behaves as `says` streams, in pieces of so
 *   many bytes; `asked` are the models that were asked for since
 */
export async function startOddUpstream() {
  let [behaviours, asked, speech] = [{}, [], { text: '', size: 1 }];
  const server = createServer(async (request, response) => {
    const { model } = JSON.parse(Buffer.concat(await request.toArray()).toString());
    asked.push(model);
    if (behaviours[model] === 'says') speak(response, speech);
    else BEHAVIOURS[behaviours[model] ?? 'well'](response, model);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/v1`,
    behave: (given) => { [behaviours, asked] = [given, []]; },
    say: (text, size) => { speech = { text, size }; },
    asked: () => asked,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => { server.close(resolve); });
    },
  };
}

function json(response, status, value, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

function page(response, status) {
  response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>');
}

async function speak(response, { text, size }) {
  const bytes = Buffer.from(text);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let at = 0; at < bytes.length; at += size) await new Promise((resolve) => { response.write(bytes.subarray(at, at + size), resolve); });
  response.end();
}

/** A stream's first event, and then what happens once it is on its way. */
function begin(response, then) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('data: {"piece":1}\n\n', () => setTimeout(then, 100));
}
