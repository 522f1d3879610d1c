/** The speed tab measures this device, and says what runs and what does not. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { numbersIn, open, visit } from './support/page.mjs';
import { PKG, ROOT } from './support/paths.mjs';

test('a prompt of the benchmark has as many tokens as it says: its words are in the vocabulary', async () => {
  const source = await readFile(join(ROOT, 'www', 'bench.js'), 'utf8');
  const words = source.match(/WORDS = '([^']+)'/)[1].split(' ');
  const file = await readFile(join(PKG, 'assets', 'embedder.bin')); // the vocabulary is in it, line by line
  assert.ok(words.length > 20);
  assert.deepEqual(words.filter((word) => !file.includes(`\n${word}\n`)), []);
});

test('the speed tab', async (t) => {
  const { page, complaints } = await visit(t, { hash: '#speed' });
  await open(page, 'speed');
  const rows = await page.locator('#speed-table tr').evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
  assert.deepEqual(rows.map(([name]) => name), ['8 tokens', '16 tokens', '64 tokens', '128 tokens', '32 texts of 16 tokens at once']);
  const times = rows.map(([, ...cells]) => cells.map((cell) => numbersIn(cell)[0]));
  for (const [median, p95, otherMedian, otherP95] of times) {
    assert.ok(median > 0 && median <= p95 && otherMedian > 0 && otherMedian <= otherP95, rows.join('\n'));
  }
  const facts = await page.locator('#speed-facts').textContent();
  assert.match(facts, /WebAssembly runs(relaxed|128-bit) SIMD/);
  assert.match(facts, /full tier\d+ MiB/);
  assert.equal(await page.getByText('This browser offers WebGPU').isVisible(), await page.evaluate(() => 'gpu' in navigator));
  assert.deepEqual(complaints, []);
});
