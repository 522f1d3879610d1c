/** What a user downloads stays within its budget; tests/js/simd.test.mjs weighs the wasm files. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { PKG } from './support/paths.mjs';

/** What only those fetch who ask for a GPU: code and wasm together. */
const GPU = { code: 'device.js', wasm: 'wasm/pointsman_gpu_bg.wasm', budget: 150e3 };

/** Code of each entry, minified, and files as they are: most bytes after gzip. */
const CODE = {
  'browser.js': 15e3,
  'slim/fetch.js': 14e3,
  'worker/browser.js': 5e3,
  'worker/browser-thread.js': 14.5e3,
};
const FILES = {
  'assets/router.bin': 400e3, 'assets/embedder.bin': 21.5e6, 'assets/router-static.bin': 350e3, 'assets/embedder-static.bin': 1.7e6,
};

for (const [entry, budget] of Object.entries(CODE)) {
  test(`the code of ${entry}`, async () => within(budget, entry, await bundle(entry)));
}

for (const [file, budget] of Object.entries(FILES)) {
  test(`the file ${file}`, async () => within(budget, file, await readFile(join(PKG, file))));
}

test('what a GPU needs', async () => {
  const [code, wasm] = [await bundle(GPU.code), await readFile(join(PKG, GPU.wasm))];
  assert.doesNotMatch(`${await bundle('browser.js')}`, /requestAdapter/); // it is nobody else's
  within(GPU.budget, 'code and wasm', Buffer.concat([code, wasm]));
});

test('pointsman/slim names no file that a bundler could emit', async () => {
  assert.match(`${await bundle('browser.js')}`, /\.wasm"/); // which this would find
  assert.doesNotMatch(`${await bundle('slim/fetch.js')}`, /\.(wasm|bin)["'`]|import\.meta/);
});

test('assets.json has the hash and the length of every binary file', async () => {
  const assets = JSON.parse(await readFile(join(PKG, 'assets', 'assets.json'), 'utf8'));
  const { exports } = JSON.parse(await readFile(join(PKG, 'package.json'), 'utf8'));
  const names = Object.keys(assets).sort();
  assert.deepEqual(names, ['embedder-static.bin', 'embedder.bin', 'pointsman-gpu.wasm', 'pointsman-relaxed.wasm', 'pointsman.wasm', 'router-static.bin', 'router.bin']);
  for (const name of names) {
    const bytes = await readFile(join(PKG, exports[`./${name}`]));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    assert.deepEqual(assets[name], { sha256, bytes: bytes.length }, `${name}: run node scripts/asset-hashes.mjs`);
  }
});

/** Without what it imports later, if it is asked to. */
async function bundle(entry) {
  const { outputFiles: [{ contents }] } = await build({
    entryPoints: [join(PKG, entry)], bundle: true, minify: true, format: 'esm', write: false, external: entry === GPU.code ? [] : ['*/device.js'],
  });
  return Buffer.from(contents);
}

function within(budget, name, bytes) {
  const size = gzipSync(bytes).length;
  console.log(`${name}: ${(size / 1e3).toFixed(1)} kB of ${budget / 1e3} kB gzip`);
  assert.ok(size <= budget);
}
