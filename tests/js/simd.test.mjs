/** Two wasm files ship: the loader takes the faster one and says which, and both compute the same bits. */

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { serve } from '../../scripts/serve.mjs';
import { launchChromium } from './support/chromium.mjs';
import { link } from './support/consumer.mjs';
import { PKG, ROOT } from './support/paths.mjs';
import { assemble } from './support/probe.mjs';
import { run } from './support/run.mjs';

const LEVELS = ['simd128', 'relaxed'];
/** What each file may weigh, in bytes. */
const BUDGET = { raw: 5e6, gzip: 1.5e6 };
const probe = assemble();
/** Node 20 does not. */
const nodeHasRelaxed = WebAssembly.validate(probe);
/** Every fourth of the 200: short and long ones, in many scripts. */
const prompts = (await readFile(join(ROOT, 'tests', 'data', 'prompts.jsonl'), 'utf8'))
  .trim().split('\n').filter((_, i) => i % 4 === 0).map((line) => JSON.parse(line));

/** The same in a page and in Node: SHA-256 of the embeddings' bits, and what the router says it runs on. */
const FINGERPRINT = `async (createRouter, options, prompts) => {
  const router = await createRouter(options);
  const vectors = await router.embed(prompts);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', vectors.buffer));
  return { simd: router.stats().simd, count: vectors.length, hash: Array.from(digest, (byte) => byte.toString(16)).join(' ') };
}`;

test('the bytes in simd.js are those of the probe', async () => {
  const source = await readFile(join(PKG, 'simd.js'), 'utf8');
  const [, bytes] = source.match(/new Uint8Array\(\[([\d,\s]+),\s*\]\)/);
  assert.deepEqual(Uint8Array.from(bytes.split(','), Number), probe, 'run node tests/js/support/probe.mjs');
});

test('both files give the same bits, in Node and in Chromium', async (t) => {
  assert.equal(prompts.length, 50);
  const { url, close } = await serve({ mounts: { '/pointsman/': PKG, '/': join(ROOT, 'tests/js/support/blank') } });
  t.after(close);
  const browser = await launchChromium(t);
  const ofNode = await inNode('simd128');
  for (const level of LEVELS) {
    const { simd, count, hash } = await inChromium(browser, url, `{ wasm: '/pointsman/wasm/pointsman_${level}_bg.wasm' }`);
    assert.deepEqual([simd, count, hash], [level, ofNode.count, ofNode.hash]);
  }
  if (nodeHasRelaxed) assert.deepEqual(await inNode('relaxed'), { ...ofNode, simd: 'relaxed' });
});

test('Chromium loads one file and says which', async (t) => {
  const { url, close } = await serve({ mounts: { '/pointsman/': PKG, '/': join(ROOT, 'tests/js/support/blank') } });
  t.after(close);
  const fetched = [];
  const { simd } = await inChromium(await launchChromium(t), url, '{}', (path) => fetched.push(path));
  console.log(`Chromium takes ${simd}`);
  assert.deepEqual(fetched.filter((path) => path.endsWith('.wasm')), [`/pointsman/wasm/pointsman_${simd}_bg.wasm`]);
});

test('Node without relaxed SIMD loads the plain file, and refuses the other by name', { skip: nodeHasRelaxed }, async () => {
  assert.equal((await inNode()).simd, 'simd128');
  await assert.rejects(inNode('relaxed'), /PointsmanError.*code: 'ENGINE'/s);
});

for (const level of LEVELS) {
  const raw = await readFile(join(PKG, 'wasm', `pointsman_${level}_bg.wasm`));
  const size = { raw: raw.length, gzip: gzipSync(raw, { level: 9 }).length };
  test(`the ${level} file is ${mb(size.raw)}, ${mb(size.gzip)} gzip`, () => {
    assert.ok(size.raw <= BUDGET.raw && size.gzip <= BUDGET.gzip, `the budget is ${mb(BUDGET.raw)}, ${mb(BUDGET.gzip)} gzip`);
  });
}

/** @param {string} [level] the file to force */
async function inNode(level) {
  const folder = await link();
  const file = join(folder, 'main.mjs');
  const name = level === 'relaxed' ? 'pointsman-relaxed.wasm' : 'pointsman.wasm';
  await writeFile(file, `
    import { createRouter } from 'pointsman';
    const options = ${level ? `{ wasm: new URL(import.meta.resolve('pointsman/${name}')) }` : '{}'};
    console.log(JSON.stringify(await (${FINGERPRINT})(createRouter, options, ${JSON.stringify(prompts)})));
  `);
  return JSON.parse(await run('node', [file], { cwd: folder }));
}

async function inChromium(browser, url, options, onRequest = (path) => path) {
  const page = await browser.newPage();
  page.on('request', (request) => onRequest(new URL(request.url()).pathname));
  await page.goto(url);
  return page.evaluate(`import('/pointsman/browser.js')
    .then(({ createRouter }) => (${FINGERPRINT})(createRouter, ${options}, ${JSON.stringify(prompts)}))`);
}

function mb(bytes) {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}
