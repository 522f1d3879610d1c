/** index.d.ts is right about the package: users' code compiles, mistakes do not, core.js agrees. */

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import * as entry from '../../pkg/node.js';
import * as slim from '../../pkg/slim/node.js';
import * as worker from '../../pkg/worker/node.js';
import { link } from './support/consumer.mjs';
import { ROOT } from './support/paths.mjs';
import { run } from './support/run.mjs';
import { typeCheck } from './support/types.mjs';

const USE = `
import { createRouter, PointsmanError } from 'pointsman';
import type { Calibration, Candidate, Decision, Goal, Input, Plan, Policy, Router, RouterOptions, Score, Stats } from 'pointsman';

export async function use(input: Input, options: RouterOptions, policy: Policy): Promise<Decision> {
  await using router: Router = await createRouter({ ...options, onProgress: ({ loaded, total }) => loaded / total });
  const scores: readonly Score[] = await router.rank(input, { ...policy, needs: ['tools'] });
  const stats: Stats = router.stats();
  const gpu: Calibration | undefined = stats.gpu?.calibration;
  await createRouter({ device: 'auto', ...(gpu && { calibration: gpu }) });
  const candidates: readonly Candidate[] = router.candidates;
  const vectors: Float32Array = await router.embed([input, 'text', [{ role: 'user', content: 'chat' }]], { onProgress: ({ done, total }) => done / total });
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

/** The other entries have all of these types, too. */
const USE_OTHERS = `
import { createRouter as createSlim, type SlimOptions } from 'pointsman/slim';
import { createRouter, PointsmanError, type Decision, type Router, type RouterOptions, type WorkerRouter } from 'pointsman/worker';

export async function use(files: SlimOptions, options: RouterOptions): Promise<Decision> {
  const slim: Router = await createSlim(files);
  const src = new Response(new Uint8Array(1));
  await createSlim({ wasm: src, router: { src }, embedder: { src, sha256: '' }, seed: 1 });
  await using router: WorkerRouter = await createRouter(options);
  const either: Router | WorkerRouter = Math.random() < 0.5 ? slim : router;
  const state: Uint8Array = await either.exportState();
  await either.mergeState(state);
  await either.feedback('id', { score: 1 });
  const { calls } = await either.stats();
  console.log(calls, either.candidates.length, new PointsmanError('ENGINE', 'it broke').code);
  return either.route('x', { signal: AbortSignal.timeout(1000) });
}
`;

const MISTAKES = `
import { createRouter } from 'pointsman';
import { createRouter as createSlim } from 'pointsman/slim';
import { createRouter as createOnThread } from 'pointsman/worker';
const router = await createRouter();
// @ts-expect-error nothing is bundled
await createSlim();
// @ts-expect-error the wasm is missing
await createSlim({ router: { src: 'router.bin' }, embedder: { src: 'embedder.bin' } });
// @ts-expect-error it comes from another thread
(await createOnThread()).stats().calls;
// @ts-expect-error a misspelt dial
await router.route('x', { costweight: 1 });
// @ts-expect-error two goals at once
await router.assign(['x'], { budgetUsd: 1, minQuality: 0.5 });
// @ts-expect-error no goal
await router.assign(['x'], { caution: 1 });
// @ts-expect-error a score is a number
router.feedback('id', { score: 'good' });
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
    const files = [];
    for (const [name, code] of Object.entries({ USE, USE_OTHERS, MISTAKES })) {
      files.push(join(folder, `${name}.mts`));
      await writeFile(files.at(-1), code);
    }
    await typeCheck(folder, files, { target: 'es2022', ...compilerOptions });
  });
}

test('the package exports what is declared', () => {
  const shared = ['PointsmanError', 'createRouter', 'explain'];
  for (const module of [entry, slim]) assert.deepEqual(Object.keys(module).sort(), [...shared, 'mergeStates']);
  assert.deepEqual(Object.keys(worker).sort(), shared);
});

test('the sources of the package agree with their types', async () => {
  await run(join(ROOT, 'node_modules', '.bin', 'tsc'), ['--project', ROOT]);
});
