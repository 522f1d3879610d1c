/** index.d.ts is right about the package: users' code compiles, mistakes do not, core.js agrees. */

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import * as entry from '../../pkg/node.js';
import { link } from './support/consumer.mjs';
import { ROOT } from './support/paths.mjs';
import { run } from './support/run.mjs';
import { typeCheck } from './support/types.mjs';

const USE = `
import { createRouter, PointsmanError } from 'pointsman';
import type { Candidate, Decision, Goal, Input, Plan, Policy, Router, RouterOptions, Score, Stats } from 'pointsman';

export async function use(input: Input, options: RouterOptions, policy: Policy): Promise<Decision> {
  await using router: Router = await createRouter({ ...options, onProgress: ({ loaded, total }) => loaded / total });
  const scores: readonly Score[] = await router.rank(input, { ...policy, needs: ['tools'] });
  const stats: Stats = router.stats();
  const candidates: readonly Candidate[] = router.candidates;
  const vectors: Float32Array = await router.embed([input, 'text', [{ role: 'user', content: 'chat' }]]);
  const goal: Goal = { budgetUsd: 1, caution: 1 };
  const plan: Plan = await router.assign(['one', 'two'], goal);
  router.feedback(plan.picks[0].id, { score: 1, usd: 0.01 });
  router.mergeState(router.exportState());
  console.log(scores, stats, candidates, vectors);
  try {
    return await router.route(input, { costWeight: 1, signal: AbortSignal.timeout(1000) });
  } catch (error) {
    if (error instanceof PointsmanError && error.code === 'NO_ELIGIBLE') return router.route(input);
    throw error;
  }
}
`;

const MISTAKES = `
import { createRouter } from 'pointsman';
const router = await createRouter();
// @ts-expect-error a misspelt dial
await router.route('x', { costweight: 1 });
// @ts-expect-error two goals at once
await router.assign(['x'], { budgetUsd: 1, minQuality: 0.5 });
// @ts-expect-error no goal
await router.assign(['x'], { caution: 1 });
// @ts-expect-error feedback needs a score
router.feedback('id', { usd: 1 });
// @ts-expect-error rank takes no signal
await router.rank('x', { signal: new AbortController().signal });
// @ts-expect-error a number is no prompt
await router.route(42);
// @ts-expect-error a decision is not changed
(await router.route('x')).model = 'y';
// @ts-expect-error a file needs a place
await createRouter({ router: { sha256: '' } });
export {};
`;

for (const [name, compilerOptions] of Object.entries({
  'Node with dom types': {},
  'Node without dom types': { lib: ['es2022'] },
  'a bundler without Node types': { types: [], module: 'esnext', moduleResolution: 'bundler' },
})) {
  test(`a user's code compiles for ${name}`, async () => {
    const folder = await link();
    const [use, mistakes] = [join(folder, 'use.mts'), join(folder, 'mistakes.mts')];
    await writeFile(use, USE);
    await writeFile(mistakes, MISTAKES);
    await typeCheck(folder, [use, mistakes], { target: 'es2022', ...compilerOptions });
  });
}

test('the package exports what is declared', () => {
  assert.deepEqual(Object.keys(entry).sort(), ['PointsmanError', 'createRouter']);
});

test('the sources of the package agree with their types', async () => {
  await run(join(ROOT, 'node_modules', '.bin', 'tsc'), ['--project', ROOT]);
});
