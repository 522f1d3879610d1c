/** The speed tab measures this device, and says what runs and what does not. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numbersIn, open, visit } from './support/page.mjs';

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
