/** Native, Node, Chromium and workerd choose the same candidate for the same 200 prompts. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { env } from 'node:process';
import { before, test } from 'node:test';
import { createRouter } from '../../pkg/node.js';
import { serve } from '../../scripts/serve.mjs';
import { launchChromium } from './support/chromium.mjs';
import { link } from './support/consumer.mjs';
import { PKG, ROOT } from './support/paths.mjs';
import { run } from './support/run.mjs';
import { startWorker } from './support/worker.mjs';

const PROMPTS = join(ROOT, 'tests', 'data', 'prompts.jsonl');
const POINTSMAN = join(env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'release', 'pointsman');
/** How far apart two predicted qualities may be. */
const TOLERANCE = 1e-4;

let prompts;
let native;
before(async () => {
  prompts = parseLines(await readFile(PROMPTS, 'utf8'));
  assert.equal(prompts.length, 200);
  const models = join(ROOT, 'models');
  const files = ['--router', join(models, 'default.router'), '--embedder', join(models, 'minilm-l6-v2.onnx')];
  native = parseLines(await run(POINTSMAN, ['route', '--jsonl', PROMPTS, '--json', ...files]));
  assert.equal(native.length, prompts.length);
});

test('the prompts are varied enough to tell', () => {
  assert.ok(new Set(native.map((decision) => decision.model)).size > 1);
});

test('Node decides as native does', async () => {
  const router = await createRouter();
  compare('Node', await inTurn((prompt) => router.route(prompt)));
});

test('Chromium decides as native does', async (t) => {
  const { url, close } = await serve({ mounts: { '/pointsman/': PKG, '/': join(ROOT, 'tests/js/support/blank') } });
  t.after(close);
  const page = await (await launchChromium(t)).newPage();
  await page.goto(url);
  await page.evaluate(async () => {
    const { createRouter } = await import('/pointsman/browser.js');
    globalThis.router = await createRouter();
  });
  compare('Chromium', await inTurn((prompt) => page.evaluate((text) => globalThis.router.route(text), prompt)));
});

test('workerd decides as native does', async (t) => {
  const ask = await startWorker(t, await link('worker'));
  compare('workerd', await inTurn(async (prompt) => (await ask(prompt)).json()));
});

async function inTurn(route) {
  const decisions = [];
  for (const prompt of prompts) decisions.push(await route(prompt));
  return decisions;
}

/** The same candidates, and qualities within the tolerance; prints how far apart they are. */
function compare(where, decisions) {
  const same = decisions.filter((decision, i) => decision.model === native[i].model).length;
  const gaps = decisions.flatMap((decision, i) => decision.scores.map((score, k) => {
    assert.equal(score.model, native[i].scores[k].model);
    return Math.abs(score.quality - native[i].scores[k].quality);
  }));
  const widest = Math.max(...gaps);
  console.log(`${where}: ${same} of ${decisions.length} decisions as native, qualities at most ${widest.toExponential(1)} apart`);
  assert.equal(same, prompts.length);
  assert.ok(widest <= TOLERANCE);
}

function parseLines(text) {
  return text.trim().split('\n').map((line) => JSON.parse(line));
}
