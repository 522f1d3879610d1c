/** The packed tarball, installed as a stranger would, gives one identical decision wherever it runs. */

import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { POLICY, serve } from '../../scripts/serve.mjs';
import { withEsbuild, withEsbuildWorker, withVite, withWebpack } from './support/bundle.mjs';
import { complaintsOf, launchChromium } from './support/chromium.mjs';
import { install, pack, place } from './support/consumer.mjs';
import { NODES } from './support/nodes.mjs';
import { BIN, PKG, ROOT } from './support/paths.mjs';
import { run } from './support/run.mjs';
import { startWorker } from './support/worker.mjs';

const PROMPT = 'Which enzyme unwinds the DNA double helix?';
const FILES = [
  'LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'THIRD-PARTY-LICENSES.txt',
  'adapters/ai-sdk.d.ts', 'adapters/ai-sdk.js', 'adapters/body.js',
  'adapters/dispatch.js', 'adapters/openai.d.ts', 'adapters/openai.js', 'adapters/request.js',
  'assets/assets.json', 'assets/embedder-static.bin', 'assets/embedder.bin', 'assets/router-static.bin',
  'assets/router.bin', 'browser.js', 'bytes.js', 'common.js', 'core.js',
  'device.js', 'disk.js', 'engine.js', 'error.js', 'explain.js', 'gpu-choice.js', 'gpu.js', 'index.d.ts', 'input.js', 'latency.js', 'limits.js', 'merge.js', 'node.js',
  'options.js', 'package.json',
  'pour.js', 'sbom.cdx.json', 'signature.js', 'simd.js', 'slim/fetch.js', 'slim/index.d.ts', 'slim/node.js', 'start.js',
  'tiers.js',
  'wasm/pointsman.js', 'wasm/pointsman_gpu.js', 'wasm/pointsman_gpu_bg.wasm', 'wasm/pointsman_relaxed_bg.wasm', 'wasm/pointsman_simd128_bg.wasm',
  'worker/browser-thread.js', 'worker/browser.js', 'worker/client.js', 'worker/index.d.ts', 'worker/line.js',
  'worker/node-thread.js', 'worker/node.js', 'worker/parcel.js', 'worker/thread.js', 'worker/wire.js',
  'worker/workerd.js', 'workerd.js',
];
/** What the tarball may weigh. */
const MOST_BYTES = 27e6;
/** `pointsman/slim` for examples/page: what it wants are imports, which a bundler turns into URLs. */
const SLIM = `
import { createRouter as create } from 'pointsman/slim';
import wasm from 'pointsman/pointsman.wasm';
import router from 'pointsman/router.bin';
import embedder from 'pointsman/embedder.bin';
import assets from 'pointsman/assets.json';
const file = (name, src) => ({ src, sha256: assets[name].sha256 });
export const createRouter = () => create({ wasm, router: file('router.bin', router), embedder: file('embedder.bin', embedder) });
`;

let packed;
let project;
let expected;
before(async () => {
  packed = await pack();
  const begun = performance.now();
  project = await install('node', packed.tarball);
  expected = comparable(JSON.parse(await run('node', ['index.js', PROMPT], { cwd: project })));
  console.log(`npm install to first decision: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
});

test('the tarball holds exactly what it should', () => {
  assert.deepEqual(packed.files, FILES);
  console.log(`tarball: ${(packed.bytes / 1e6).toFixed(1)} MB`);
  assert.ok(packed.bytes <= MOST_BYTES);
});

test('installing it brings nothing else', async () => {
  const installed = await readdir(join(project, 'node_modules'));
  assert.deepEqual(installed.filter((name) => !name.startsWith('.')), ['pointsman']);
});

test('a prompt is decided', () => {
  assert.equal(expected.reason, 'utility');
  console.log(`"${PROMPT}" goes to ${expected.model}`);
});

for (const { major, binary, skip } of NODES) {
  test(`Node ${major}, on its own thread and off it`, { skip }, async () => {
    assert.match(await run(binary, ['--version']), new RegExp(`^v${major}\\.`));
    for (const entry of ['pointsman', 'pointsman/worker']) {
      const folder = await place(project, 'node', entry, `${major}`);
      const decision = JSON.parse(await run(binary, ['index.js', PROMPT], { cwd: folder }));
      assert.deepEqual(comparable(decision), expected, entry);
    }
  });
}

test('Chromium', async (t) => {
  const browser = await launchChromium(t);
  const table = [
    ['Vite', withVite, 'pointsman'],
    ['Vite', withVite, 'pointsman/worker'],
    ['webpack', withWebpack, 'pointsman'],
    ['webpack', withWebpack, 'pointsman/worker'],
    ['esbuild', withEsbuild, './slim.js'],
    ['esbuild', withEsbuildWorker, 'pointsman/worker'],
  ];
  for (const [name, bundle, entry] of table) {
    await t.test(`${entry} built by ${name}`, async () => {
      const folder = await place(project, 'page', entry, name);
      await writeFile(join(folder, 'slim.js'), SLIM);
      assert.deepEqual(comparable(await decideOnPage(browser, await bundle(folder))), expected);
    });
  }
});

test('workerd', async (t) => {
  const ask = await startWorker(t, await place(project, 'worker'));
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
  const files = ['pointsman.wasm', 'pointsman-relaxed.wasm', 'pointsman-gpu.wasm', 'router.bin', 'embedder.bin', 'router-static.bin', 'embedder-static.bin'];
  await run(join(BIN, 'attw'), [packed.tarball, '--profile', 'esm-only', '--no-color', '--exclude-entrypoints', ...files], { cwd: ROOT });
});

/** A decision without what differs from run to run. */
function comparable({ id, ms, ...decision }) {
  assert.equal(typeof id, 'string');
  assert.ok(ms >= 0);
  return decision;
}

/** What the page of examples/page shows for the prompt; it must complain about nothing. */
async function decideOnPage(browser, dist) {
  // The page's own icon is a data: URL.
  const { url, close } = await serve({ mounts: { '/': dist }, policy: `${POLICY}; img-src data:` });
  const page = await browser.newPage();
  const complaints = complaintsOf(page);
  try {
    await page.goto(url);
    await page.getByText('Ready').waitFor();
    await page.getByRole('textbox').fill(PROMPT);
    await page.getByRole('button').click();
    const result = page.getByRole('status').filter({ hasText: 'propensity' });
    return JSON.parse(await result.textContent());
  } finally {
    assert.deepEqual(complaints, []);
    await page.close();
    await close();
  }
}
