/**
 * Five hundred decisions to the last bit: the same in native code, in both wasm files, alone and among others.
 * `UPDATE=1 node --test tests/js/golden.test.mjs` writes them anew, from native code.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { env } from 'node:process';
import { before, test } from 'node:test';
import { asyncDispose } from '../../pkg/common.js';
import { createRouter } from '../../pkg/node.js';
import { createRouter as createOnThread } from '../../pkg/worker/node.js';
import { blankPages } from './support/blank-page.mjs';
import { ROOT } from './support/paths.mjs';
import { run } from './support/run.mjs';

const GOLDEN = join(ROOT, 'tests', 'data', 'golden.txt');
const PROMPTS = join(ROOT, 'tests', 'data', 'prompts.jsonl');
const POINTSMAN = join(env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'release', 'pointsman');
const MODELS = { full: ['default.router', 'minilm-l6-v2.onnx'], static: ['static.router', 'minilm-static.onnx'] };
/** What is decided: every prompt by each tier, and a hundred where money is no object. */
const SETS = /** @type {const} */ ([['full', {}, 200], ['static', {}, 200], ['full', { costWeight: 0 }, 100]]);

let prompts;
let golden;
before(async () => {
  prompts = (await readFile(PROMPTS, 'utf8')).trim().split('\n').map((line) => JSON.parse(line));
  const native = (await Promise.all(SETS.map(inNative))).flat();
  if (env.UPDATE) await writeFile(GOLDEN, `${native.join('\n')}\n`);
  golden = (await readFile(GOLDEN, 'utf8')).trim().split('\n');
  assert.equal(golden.length, 500);
  assert.deepEqual(native, golden);
});

async function inNative([tier, { costWeight }, count]) {
  const [router, embedder] = MODELS[tier].map((name) => join(ROOT, 'models', name));
  const dial = costWeight === undefined ? [] : ['--cost-weight', `${costWeight}`];
  const lines = await run(POINTSMAN, ['route', '--jsonl', PROMPTS, '--json', '--router', router, '--embedder', embedder, ...dial]);
  return lines.trim().split('\n').slice(0, count).map((line) => named(JSON.parse(line)));
}

/** The choice, and the first digits of a hash over every number that led to it. */
function named({ model, usd, scores }) {
  const numbers = scores.flatMap(({ quality, spread, usd: cost, utility }) => [quality, spread, cost, utility]);
  const hash = createHash('sha256').update(Float64Array.of(usd, ...numbers)).digest('hex');
  return `${hash.slice(0, 16)} ${model}`;
}

/** Decides all sets with routers that `create` makes, here or in a page. */
async function decideAll(create, sets, all) {
  const decisions = [];
  for (const [tier, options, count] of sets) {
    const router = await create({ tier });
    const waiting = all.slice(0, count).map((prompt) => router.route(prompt, options));
    decisions.push(...await Promise.all(waiting));
  }
  return decisions;
}

test('so does Node, and a thread beside it', async (t) => {
  assert.deepEqual((await decideAll(createRouter, SETS, prompts)).map(named), golden);
  const ends = [];
  t.after(() => Promise.all(ends.map((router) => router[asyncDispose]())));
  const create = async (options) => {
    const router = await createOnThread(options);
    ends.push(router);
    return router;
  };
  assert.deepEqual((await decideAll(create, SETS, prompts)).map(named), golden);
});

const open = blankPages();

for (const level of ['simd128', 'relaxed']) {
  test(`so does Chromium on ${level}`, async () => {
    const { page, url } = await open();
    await page.goto(url);
    const wasm = `/pointsman/wasm/pointsman_${level}_bg.wasm`;
    const decisions = await page.evaluate(`(async () => {
      const { createRouter } = await import('/pointsman/browser.js');
      const create = (options) => createRouter({ ...options, wasm: ${JSON.stringify(wasm)} });
      return (${decideAll})(create, ${JSON.stringify(SETS)}, ${JSON.stringify(prompts)});
    })()`);
    assert.deepEqual(decisions.map(named), golden);
  });
}
