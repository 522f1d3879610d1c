/**
 * What `routedFetch` takes beyond the routing itself, with the default router and an inner `fetch` that sends nothing.
 * usage: node benches/adapters.mjs [rounds]
 *
 * Two readings. Inside: the call's time less that of `route` and of the inner `fetch` within it, so that the machine's
 * noise while routing drops out. Between: rounds of `route` alone and of the whole call in turn, median less median.
 */

import { routedFetch } from '../pkg/adapters/openai.js';
import { createRouter } from '../pkg/node.js';

const ROUNDS = Number(process.argv[2] ?? 1000);
const WARM_UP = 50;
const URL = 'https://upstream.test/v1/chat/completions';
const asked = 'What is the capital of France?';
const picture = { type: 'image_url', image_url: { url: `data:image/png;base64,${'iVBORw0KGgo'.repeat(100_000)}` } };

const CHATS = {
  'one short message': [{ role: 'user', content: asked }],
  '40 messages of 1 kB': [...Array(39).fill({ role: 'assistant', content: 'All work and no play. '.repeat(45) }), { role: 'user', content: asked }],
  'a picture of 1.1 MB': [{ role: 'user', content: [{ type: 'text', text: asked }, picture] }],
};

const router = await createRouter();
let inside = 0;
const timed = (work) => async (...args) => {
  const begun = performance.now();
  const value = await work(...args);
  inside += performance.now() - begun;
  return value;
};
const route = timed((...args) => router.route(...args));
const send = routedFetch({ candidates: router.candidates, route }, { fetch: timed(async () => new Response('{}')) });

for (const [name, messages] of Object.entries(CHATS)) {
  const body = JSON.stringify({ model: 'auto', messages });
  const headers = new Headers({ 'content-type': 'application/json', authorization: 'Bearer key' }); // as the SDKs do
  const [alone, whole, beyond] = [[], [], []];
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    const routing = await time(() => router.route(messages));
    inside = 0;
    const call = await time(() => send(URL, { method: 'POST', headers, body }));
    if (round < WARM_UP) continue;
    alone.push(routing);
    whole.push(call);
    beyond.push(call - inside);
  }
  const between = percentile(whole, 50) - percentile(alone, 50);
  console.log(`${name}: ${ROUNDS} calls; route alone ${ms(percentile(alone, 50))}`);
  console.log(`  beyond it, inside: median ${ms(percentile(beyond, 50))}, 95% ${ms(percentile(beyond, 95))}; between: ${ms(between)}`);
}

async function time(work) {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

function percentile(times, percent) {
  return times.toSorted((a, b) => a - b)[Math.floor((times.length - 1) * percent / 100)];
}

function ms(time) {
  return `${time.toFixed(3)} ms`;
}
