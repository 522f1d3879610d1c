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

/** Batches that the processor and the GPU embed: texts, and tokens of each. */
const BATCHES = [[1, 16], [1, 128], [16, 32], [64, 64]];
/** What measuring on a slow GPU may take, and measuring for `auto`. */
const GPU_PATIENCE_MS = 30_000;

/**
 * @typedef {object} DeviceRow
 * @property {string} name
 * @property {number} cpu best of a few runs, in milliseconds
 * @property {number} gpu
 * @property {string} auto which of them `device: 'auto'` took
 */

/**
 * Measures the full tier on the processor and on the GPU.
 *
 * @param {(row: DeviceRow) => void} measured
 * @returns {Promise<import('pointsman').GpuStats>} with a reason where there is nothing to measure
 */
export async function compareDevices(measured) {
  const gpu = await createRouter({ device: 'webgpu' });
  const made = [gpu];
  try {
    const stats = (await gpu.stats()).gpu ?? { ready: false, calls: 0 };
    if (!stats.ready) return stats;
    const [cpu, auto] = [await createRouter(), await createRouter({ device: 'auto' })];
    made.push(cpu, auto);
    await measuredByItself(auto);
    const begun = performance.now();
    for (const [texts, tokens] of BATCHES) {
      if (performance.now() - begun > GPU_PATIENCE_MS) break;
      const batch = Array.from({ length: texts }, (_, i) => textOf(tokens, i));
      const times = [await fastest(() => cpu.embed(batch)), await fastest(() => gpu.embed(batch))];
      await auto.embed(batch);
      const took = (await auto.stats()).device === 'webgpu' ? 'GPU' : 'processor';
      measured({ name: `${texts} × ${tokens} tokens`, cpu: times[0], gpu: times[1], auto: took });
    }
    return (await gpu.stats()).gpu ?? stats;
  } finally {
    await Promise.all(made.map((router) => router[Symbol.asyncDispose]()));
  }
}

/** Until `auto` knows what to take, or that there is no choice. */
async function measuredByItself(auto) {
  for (const begun = performance.now(); performance.now() - begun < GPU_PATIENCE_MS;) {
    const { gpu } = await auto.stats();
    if (gpu?.ready || gpu?.reason) return;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
}

async function fastest(run) {
  let best = Infinity;
  for (let i = 0; i < 4 && (i < 2 || best < 1000); i += 1) {
    const begun = performance.now();
    await run();
    best = Math.min(best, performance.now() - begun);
  }
  return best;
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
