/** The packed tarball, installed as a stranger would, gives one identical decision wherever it runs. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { serve } from '../../scripts/serve.mjs';
import { complaintsOf, launchChromium } from './support/chromium.mjs';
import { install, pack } from './support/consumer.mjs';
import { BIN, PKG, ROOT } from './support/paths.mjs';
import { run } from './support/run.mjs';
import { startWorker } from './support/worker.mjs';

const PROMPT = 'Prove that there are infinitely many primes.';
const FILES = [
  'LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'adapters/ai-sdk.d.ts', 'adapters/ai-sdk.js', 'adapters/body.js',
  'adapters/dispatch.js', 'adapters/openai.d.ts', 'adapters/openai.js', 'adapters/request.js',
  'assets/embedder.bin', 'assets/router.bin', 'browser.js', 'bytes.js',
  'core.js', 'error.js', 'explain.js', 'index.d.ts', 'input.js', 'latency.js', 'node.js', 'options.js', 'package.json', 'pour.js', 'simd.js',
  'wasm/pointsman.js', 'wasm/pointsman_relaxed_bg.wasm', 'wasm/pointsman_simd128_bg.wasm', 'workerd.js',
];

let packed;
let expected;
before(async () => {
  packed = await pack();
  const folder = await install('node', packed.tarball);
  expected = comparable(JSON.parse(await run('node', ['index.js', PROMPT], { cwd: folder })));
});

test('the tarball holds exactly what it should', () => {
  assert.deepEqual(packed.files, FILES);
  console.log(`tarball: ${(packed.bytes / 1e6).toFixed(1)} MB`);
});

test('Node', () => {
  assert.equal(expected.reason, 'utility');
  console.log(`"${PROMPT}" goes to ${expected.model}`);
});

test('a Vite build in Chromium', async (t) => {
  const folder = await install('page', packed.tarball);
  await run(join(BIN, 'vite'), ['build', '--logLevel', 'warn'], { cwd: folder });
  const { url, close } = await serve({ mounts: { '/': join(folder, 'dist') } });
  t.after(close);
  const page = await (await launchChromium(t)).newPage();
  const complaints = complaintsOf(page);
  await page.goto(url);
  await page.getByText('Ready').waitFor();
  await page.getByRole('textbox').fill(PROMPT);
  await page.getByRole('button').click();
  const result = page.getByRole('status').filter({ hasText: 'propensity' });
  assert.deepEqual(comparable(JSON.parse(await result.textContent())), expected);
  assert.deepEqual(complaints, []);
});

test('workerd', async (t) => {
  const ask = await startWorker(t, await install('worker', packed.tarball));
  const response = await ask(PROMPT);
  assert.equal(response.status, 200);
  assert.deepEqual(comparable(await response.json()), expected);
  const refused = await ask(' ');
  assert.deepEqual([refused.status, (await refused.json()).code], [400, 'BAD_INPUT']);
});

test('publint finds nothing to improve', async () => {
  await run(join(BIN, 'publint'), ['--strict', '--pack', 'npm', PKG], { cwd: ROOT });
});

test('every way to import it finds its types', async () => {
  await run(join(BIN, 'attw'), [packed.tarball, '--profile', 'esm-only', '--no-color', '--exclude-entrypoints', 'pointsman.wasm', 'pointsman-relaxed.wasm'], { cwd: ROOT });
});

/** A decision without what differs from run to run. */
function comparable({ id, ms, ...decision }) {
  assert.equal(typeof id, 'string');
  assert.ok(ms >= 0);
  return decision;
}
