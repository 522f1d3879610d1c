/**
 * Fails the engine again and again, in the middle of a decision, and times how long the next decision takes; and beside
 * it, in the same run, what a cold start takes: a new process, from import to the first decision.
 *
 * usage: node benches/recovery.mjs [panics] [full | static]
 */

import { execFileSync } from 'node:child_process';
import assert from 'node:assert/strict';
import { argv, execPath } from 'node:process';
import { createRouter } from '../pkg/node.js';
import { plant } from '../tests/js/support/faults.mjs';
import { median } from './peers/statistics.mjs';

const PANICS = Number(argv[2] ?? 1000);
const TIER = /** @type {'full' | 'static'} */ (argv[3] ?? 'full');
const PROMPT = 'Which enzyme unwinds the DNA double helix?';
const KINDS = /** @type {const} */ (['panic', 'throw', 'stack']);
const COLD = `
  const begun = performance.now();
  const { createRouter } = await import(${JSON.stringify(new URL('../pkg/node.js', import.meta.url).href)});
  await (await createRouter({ tier: ${JSON.stringify(TIER)} })).route(${JSON.stringify(PROMPT)});
  console.log(performance.now() - begun);`;

const faults = plant();
const router = await createRouter({ tier: TIER, seed: 1, learn: { dimensions: 16 } });
const expected = await router.route(PROMPT);
router.feedback(expected.id, { score: 1 });
const reference = await decision();
const learned = Buffer.from(router.exportState());

async function decision() {
  const { ms, id, ...rest } = await router.route(PROMPT);
  return rest;
}

const times = [];
const largest = [];
for (let i = 0; i < PANICS; i += 1) {
  faults.fail(KINDS[i % KINDS.length], i % 2 ? 'begin' : 'end');
  assert.equal((await router.route(PROMPT)).reason, 'fallback-error');
  const begun = performance.now();
  const next = await decision();
  times.push(performance.now() - begun);
  assert.deepEqual(next, reference);
  assert.ok(learned.equals(router.exportState()), 'what was learned changed');
  largest.push(router.stats().wasmBytes);
}
assert.equal(router.stats().reinits, PANICS);

const cold = Array.from({ length: 7 }, () => Number(execFileSync(execPath, ['--input-type=module', '-e', COLD], { encoding: 'utf8' })));
const at = (share) => times.toSorted((a, b) => a - b)[Math.ceil(share * times.length) - 1];
const ms = (value) => `${value.toFixed(0)} ms`;
console.log(`${PANICS} failures (${KINDS.join(', ')}) of the ${TIER} tier: every next decision right, every state the same to the last bit`);
console.log(`from failure to the next decision: median ${ms(median(times))}, p99 ${ms(at(0.99))}, slowest ${ms(at(1))}`);
console.log(`a cold start, import to first decision, 7 processes: median ${ms(median(cold))}, ${ms(Math.min(...cold))} to ${ms(Math.max(...cold))}`);
console.log(`memory of the instance: ${[...new Set(largest)].map((bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`).join(', ')}`);
