/** The batch tab: a file becomes a plan, a point of the front is chosen, and the download says the same. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { PROMPTS } from '../../www/prompts.js';
import { numbersIn, open, settled, visit } from './support/page.mjs';

test('the batch tab', async (t) => {
  const { page, complaints } = await visit(t, { hash: '#batch' });
  const slider = page.getByRole('slider', { name: 'Point on the front' });
  const file = (name, text) => page.locator('#batch-file').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
  const cost = async () => numbersIn(await page.locator('#batch-facts dd').first().textContent())[0];

  await t.test('plans the examples no dearer and no worse than the best single candidate', async () => {
    await settled(page);
    await open(page, 'batch');
    const [usd, , single] = await page.locator('#batch-facts dd').allTextContents();
    assert.ok(numbersIn(usd)[0] <= numbersIn(single)[0]);
    assert.match(await page.locator('#batch-said').textContent(), /^40 prompts judged by the full tier\.$/);
  });

  await t.test('moves by slider and by click', async () => {
    await slider.press('Home');
    const cheapest = await cost();
    await slider.press('End');
    const best = await cost();
    assert.ok(best > 5 * cheapest);
    const box = await page.locator('#batch-plot .u-over').boundingBox();
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    const middle = await cost();
    assert.ok(middle > cheapest && middle < best);
  });

  await t.test('downloads what it shows', async () => {
    const rows = await downloaded(page, 'Download CSV');
    const [head, ...lines] = rows.trimEnd().split('\r\n');
    assert.equal(head, 'prompt,model,usd,quality');
    assert.equal(lines.length, PROMPTS.length);
    assert.ok(lines[0].startsWith(`"${PROMPTS[0]}","`));
    const plan = (await downloaded(page, 'Download JSON lines')).trimEnd().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(plan.map(({ prompt }) => prompt), PROMPTS);
    assert.deepEqual(lines.map((line) => Number(line.split(',').at(-2))), plan.map(({ usd }) => usd));
    const total = plan.reduce((sum, { usd }) => sum + usd, 0);
    assert.ok(Math.abs(total / await cost() - 1) < 0.01);
  });

  await t.test('reads files, and says what is wrong with one', async () => {
    await file('some.jsonl', '{"prompt": "What is 2 + 2?"}\n\n{"prompt": "Name a prime above 100."}\n');
    await page.getByText('some.jsonl is ready').waitFor();
    await page.getByRole('button', { name: 'Plan the batch' }).click();
    await page.getByText('2 prompts judged by the full tier; 1 empty line passed over.').waitFor();
    await file('bad.jsonl', '{"prompt": "What is 2 + 2?"}\noops\n');
    await page.getByText('bad.jsonl is ready').waitFor();
    await page.getByRole('button', { name: 'Plan the batch' }).click();
    await page.getByRole('alert').filter({ hasText: 'Line 2 is no valid JSON' }).waitFor();
  });

  await t.test('can be cancelled, and stays alive meanwhile', async () => {
    await file('many.txt', Array.from({ length: 5000 }, (_, i) => `How many primes are there below ${i + 10}?`).join('\n'));
    await page.getByText('many.txt is ready').waitFor();
    await page.getByRole('button', { name: 'Plan the batch' }).click();
    await page.waitForFunction(() => /** @type {any} */ (document.querySelector('#batch-bar')).value > 0);
    await page.locator('#tab-route').click();
    await page.getByRole('button', { name: 'Law' }).click();
    await page.locator('#decision').waitFor(); // a decision comes between two chunks
    await page.locator('#tab-batch').click();
    assert.ok(await page.evaluate(() => {
      const bar = /** @type {any} */ (document.querySelector('#batch-bar'));
      return bar.value < bar.max;
    }), 'still judging');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Cancelled. Nothing was planned.').waitFor();
    assert.ok(await page.locator('#batch-work').isHidden());
  });

  assert.deepEqual(complaints, []);
});

async function downloaded(page, name) {
  const arriving = page.waitForEvent('download');
  await page.getByRole('button', { name }).click();
  return readFile(await (await arriving).path(), 'utf8');
}
