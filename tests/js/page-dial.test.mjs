/** The dial tab: as the dial turns, the choice moves along the curve and the prompts change candidates. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numbersIn, open, settled, visit } from './support/page.mjs';

test('the dial moves cost, quality and picks', async (t) => {
  const { page, complaints } = await visit(t);
  await settled(page);
  await open(page, 'dial');
  const dial = page.getByRole('slider', { name: 'Cost dial' });
  const usual = await shown(page);
  const found = [];
  await dial.press('Home');
  for (let turn = 0; turn < 9; turn += 1) {
    found.push(await shown(page));
    for (let step = 0; step < 5; step += 1) await dial.press('ArrowRight');
  }
  for (const [i, { usd, quality }] of found.entries()) {
    if (i === 0 || found[i].position === 'default') continue;
    const before = found[i - 1].position === 'default' ? found[i - 2] : found[i - 1];
    assert.ok(usd <= before.usd && quality <= before.quality, JSON.stringify(found[i]));
  }
  const [best, cheapest] = [found[0], found.at(-1)];
  assert.ok(cheapest.usd < best.usd / 5 && cheapest.picks !== best.picks);
  assert.ok(usual.usd > cheapest.usd && usual.usd < best.usd);

  // One dial on two tabs.
  await page.locator('#tab-route').click();
  assert.match(await page.getByRole('slider', { name: 'Cost dial' }).getAttribute('aria-valuetext'), /cost weight/);
  assert.deepEqual(complaints, []);
});

async function shown(page) {
  const [quality, usd] = await page.locator('#dial-facts dd').allTextContents();
  return {
    position: await page.getByRole('slider', { name: 'Cost dial' }).getAttribute('aria-valuetext'),
    quality: numbersIn(quality)[0],
    usd: numbersIn(usd)[0],
    picks: await page.locator('#dial-picks td').evaluateAll((cells) => cells.map((cell) => cell.textContent).join()),
  };
}
