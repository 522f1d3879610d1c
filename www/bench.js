/** How fast this device decides: measured here and now, on a router of its own. */

import { createRouter } from './pointsman/worker/browser.js';

/** Prompts of these many tokens, with the two that every prompt gets. */
export const LENGTHS = [8, 16, 64, 128];
const BATCH = 32;
/** Runs of one measurement, and how long it may take when the device is slow. */
const RUNS = 40;
const FEW = 8;
const PATIENCE_MS = 2500;

/** Each of these is one token of the vocabulary, so that a prompt of n words is n tokens long. */
const WORDS = 'the old train left the small station at noon and went over the long river to a town by the sea where people were waiting for news of the war'.split(' ');

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {number} [tokens]
 * @property {number} median in milliseconds
 * @property {number} p95
 * @property {number} runs
 */

/**
 * Measures one tier, from the shortest prompts to the batch.
 *
 * @param {'full' | 'static'} tier
 * @param {(row: Row) => void} measured
 * @returns {Promise<import('pointsman').Stats>}
 */
export async function measure(tier, measured) {
  const router = await createRouter({ tier });
  try {
    for (const tokens of LENGTHS) measured({ name: `${tokens} tokens`, tokens, ...await single(router, tokens) });
    measured({ name: `${BATCH} texts of 16 tokens at once`, ...await batch(router) });
    return await router.stats();
  } finally {
    await router[Symbol.asyncDispose]();
  }
}

/** A decision tells how long it took where it was made; the way to that thread and back is not in it. */
async function single(router, tokens) {
  await router.route(textOf(tokens, 0)); // the first pays for what the others need, too
  return summary(async (run) => (await router.route(textOf(tokens, run))).ms);
}

async function batch(router) {
  return summary(async (run) => {
    const texts = Array.from({ length: BATCH }, (_, i) => textOf(16, run + i));
    const begun = performance.now();
    await router.embed(texts);
    return performance.now() - begun;
  });
}

/** Repeats until there are enough runs, or until few must do. */
async function summary(time) {
  const times = [];
  const begun = performance.now();
  while (times.length < RUNS && (times.length < FEW || performance.now() - begun < PATIENCE_MS)) times.push(await time(times.length));
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.ceil(share * times.length) - 1];
  return { median: at(0.5), p95: at(0.95), runs: times.length };
}

function textOf(tokens, start) {
  return Array.from({ length: tokens - 2 }, (_, i) => WORDS[(start + i) % WORDS.length]).join(' ');
}
