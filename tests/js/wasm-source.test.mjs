/** The wasm may come from anywhere: each way is tried in a fresh process, since one process has one instance. */

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { link } from './support/consumer.mjs';
import { run } from './support/run.mjs';

const OPENING = `
import { readFile } from 'node:fs/promises';
import { createRouter } from 'pointsman';
const url = new URL(import.meta.resolve('pointsman/pointsman.wasm'));
const bytes = await readFile(url);
`;
const SOURCES = {
  'a URL': 'url',
  'a path': 'url.pathname',
  'bytes': 'bytes',
  'a compiled module': 'await WebAssembly.compile(bytes)',
  'a response': `new Response(bytes, { headers: { 'content-type': 'application/wasm' } })`,
};

for (const [name, source] of Object.entries(SOURCES)) {
  test(`from ${name}`, async () => {
    const printed = await runModule(`
      const router = await createRouter({ wasm: ${source} });
      console.log((await router.route('Which enzyme unwinds the DNA double helix?')).reason);
    `);
    assert.equal(printed, 'utility\n');
  });
}

test('a start that failed may be tried again', async () => {
  const printed = await runModule(`
    await createRouter({ wasm: bytes.subarray(0, 100) }).catch(({ code }) => console.log(code));
    await createRouter({ wasm: 'missing.wasm' }).catch(({ code }) => console.log(code));
    console.log((await (await createRouter()).route('Which enzyme unwinds the DNA double helix?')).reason);
  `);
  assert.equal(printed, 'ENGINE\nIO\nutility\n');
});

async function runModule(code) {
  const folder = await link();
  const file = join(folder, 'main.mjs');
  await writeFile(file, OPENING + code);
  return run('node', [file], { cwd: folder });
}
