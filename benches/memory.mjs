/**
 * Whether anything grows: the memory of the wasm instance from call 100 on, and over routers that come and go.
 *
 * usage: node --expose-gc benches/memory.mjs [static calls] [full calls] [routers]
 */

import { argv } from 'node:process';
import { asyncDispose } from '../pkg/common.js';
import { createRouter } from '../pkg/node.js';

const [STATIC, FULL, ROUTERS] = [[2, 1_000_000], [3, 100_000], [4, 1_000]].map(([at, usual]) => Number(argv[at] ?? usual));
const TOPICS = ['a poem about rain', 'the capital of France', 'a proof that there are infinitely many primes', 'a regular expression for dates', 'my tax return'];

const prompt = (i) => `Question ${i}: tell me about ${TOPICS[i % TOPICS.length]}${', and explain why'.repeat(i % 7)}.`;
const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(2)} MiB`;

async function calls(tier, count) {
  const router = await createRouter({ tier });
  let early;
  for (let i = 1; i <= count; i += 1) {
    await router.route(prompt(i));
    if (i === 100) early = router.stats().wasmBytes;
  }
  const late = router.stats().wasmBytes;
  console.log(`${tier}: after call 100 ${early} bytes (${mib(early)}), after call ${count} ${late}: ${early === late ? 'constant' : 'IT GREW'}`);
  await router[asyncDispose]();
}

/** Where they overlap, their pieces come to lie between each other's, and that may take some more room once or twice. */
async function comeAndGo(how, end) {
  const sizes = [];
  for (let i = 1; i <= ROUTERS; i += 1) {
    const router = await createRouter({ tier: 'static', learn: { dimensions: 8 } });
    await router.route(prompt(i));
    sizes.push(router.stats().wasmBytes);
    await end(router);
  }
  const last = sizes.at(-1);
  const grown = sizes.findLastIndex((size) => size !== last) + 2;
  const heap = process.memoryUsage();
  console.log(`${ROUTERS} routers, ${how}: after 20 of them ${sizes[19]} bytes, after all ${last}: ${sizes[19] === last ? 'constant' : `it grew, last with the ${grown}th`}; process ${mib(heap.rss)}`);
}

/** Twice: what a collection finds is freed some turns later, now and then after the next router was made. */
async function collected() {
  for (let time = 0; time < 2; time += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => { setTimeout(resolve); });
  }
}

await comeAndGo('disposed', (router) => router[asyncDispose]());
if (globalThis.gc) await comeAndGo('left to the collector', collected);
await calls('static', STATIC);
await calls('full', FULL);
