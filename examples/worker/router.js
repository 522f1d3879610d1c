/** The router of this isolate: loaded by the first request that needs it, because the global scope has one second. */

import { createRouter, mergeStates } from 'pointsman/slim';
import assets from 'pointsman/assets.json' with { type: 'json' };
import wasm from 'pointsman/pointsman-relaxed.wasm';
import { Problem, badConfig } from './errors.js';
import { MOST_STATE_BYTES } from './learner.js';
import { Share } from './share.js';

/** The files of each tier, as the package and its assets.json call them. */
const FILES = {
  full: { router: 'router.bin', embedder: 'embedder.bin' },
  static: { router: 'router-static.bin', embedder: 'embedder-static.bin' },
};

/** Longer than any load; a request whose client has left may take its transfers with it. */
const LONGEST_MS = 30_000;

/** @typedef {{ router: import('pointsman').Router, share: Share }} Loaded */

/** @type {Promise<Loaded> | undefined} */
let loading;

/** @type {Loaded | undefined} what came of it */
let loaded;

/**
 * @param {any} env
 * @param {import('./config.js').Config} config
 * @param {{ waitUntil(work: Promise<unknown>): void }} ctx
 * @returns {Promise<Loaded>} one for all requests; a load that failed is tried again by the next
 */
export async function loadedRouter(env, config, ctx) {
  if (loaded) return loaded;
  const mine = loading ??= load(env, config);
  const forget = () => { if (loading === mine) loading = undefined; };
  ctx.waitUntil(mine.catch(forget));
  return loaded = await within(LONGEST_MS, mine, forget);
}

/** What this isolate has, without loading it. */
export function routerIfLoaded() {
  return loaded;
}

/** Names the files, and with them what was learned on them and who may redeem its tokens. */
export function filesOf({ tier }) {
  return `${tier}-${assets[FILES[tier].router]?.sha256}`;
}

/** What several isolates learned, added up. The Learner needs no router for it, only the module. */
export function addStates(states) {
  return mergeStates(states, { wasm });
}

async function load(env, config) {
  const { tier, policy, learn, candidates, budgetUsd } = config;
  const [router, embedder] = await Promise.all(['router', 'embedder'].map((part) => open(env, FILES[tier][part])));
  const files = tier === 'static' ? { tier, static: { router, embedder } } : { router, embedder };
  const made = await createRouter({ wasm, ...files, policy, learn, candidates, budgetUsd }).catch(explained);
  try {
    check(made, config);
  } catch (error) {
    await made[Symbol.asyncDispose](); // the next request will load another, and wasm memory never shrinks
    throw error;
  }
  const share = new Share(made);
  await share.trade(env.LEARNER.getByName(filesOf(config))).catch((error) => console.error('begins without what others learned:', error.message));
  return { router: made, share };
}

/** A file among the static assets, and the hash that it had when this Worker was built. */
async function open(env, name) {
  const { sha256 } = assets[name] ?? {};
  if (!sha256) throw badConfig(`TIER: this version of pointsman has no ${name}`);
  return { src: await env.ASSETS.fetch(`https://assets/${name}`), sha256 };
}

/** What createRouter finds wrong in its options, no client can correct. */
function explained(error) {
  throw error.code === 'BAD_INPUT' ? badConfig(`POLICY, LEARN, CANDIDATES or BUDGET_USD: ${error.message}`) : error;
}

function check(router, { upstreams }) {
  const ids = router.candidates.map(({ id }) => id);
  for (const id of upstreams.keys()) {
    if (!ids.includes(id)) throw badConfig(`UPSTREAMS: "${id}" is not a candidate; candidates are ${ids.join(', ')}`);
  }
  const bytes = router.exportState().byteLength;
  if (bytes > MOST_STATE_BYTES) throw badConfig(`LEARN: a state of ${bytes} bytes does not fit a row of the Learner; give fewer dimensions`);
}

/** The timer belongs to the request that waits, as every timer here does. */
async function within(ms, work, forget) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      forget();
      reject(new Problem(503, 'IO', 'the router’s files did not load in time; try again'));
    }, ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
