/** The five tabs are one line: by keyboard, by address, for screen readers, in light and dark, on a phone. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { DESK, PHONE, SHOTS, TABS, faultsOf, open, settled, visit } from './support/page.mjs';

test('tabs by keyboard and by address', async (t) => {
  const { page, url } = await visit(t, { hash: '#learn' });
  const opened = () => page.locator('[role="tab"][aria-selected="true"]').textContent();
  const panels = () => page.locator('[role="tabpanel"]:visible').evaluateAll((all) => all.map(({ id }) => id));
  assert.deepEqual([await opened(), await panels()], ['Learn', ['panel-learn']]);
  await page.locator('#tab-learn').focus();
  const table = [['ArrowRight', 'Speed'], ['ArrowRight', 'Route'], ['ArrowLeft', 'Speed'], ['Home', 'Route'], ['End', 'Speed'], ['ArrowLeft', 'Learn']];
  for (const [key, name] of table) {
    await page.keyboard.press(key);
    await page.waitForFunction((hash) => location.hash === hash, `#${name.toLowerCase()}`);
    assert.deepEqual([await opened(), await panels()], [name, [`panel-${name.toLowerCase()}`]], key);
    assert.equal(await page.evaluate(() => document.activeElement.textContent), name);
  }
  // Of all tabs, the Tab key meets only the open one.
  assert.deepEqual(await page.locator('[role="tab"][tabindex="0"]').allTextContents(), ['Learn']);
  await page.goto(`${url}#dial`);
  assert.equal(await opened(), 'Dial');
  await page.goBack();
  await page.locator('#panel-learn').waitFor();
});

test('the policy forbids what the page does not need', async (t) => {
  const { page } = await visit(t);
  const refused = await page.evaluate(async () => {
    const far = await fetch('https://example.com/').then(() => 'fetched', () => 'refused');
    const inline = document.createElement('script');
    inline.textContent = 'globalThis.ran = true';
    document.head.append(inline);
    return [far, globalThis.ran];
  });
  assert.deepEqual(refused, ['refused', undefined]);
});

test('every tab, as it looks', async (t) => {
  const { page, complaints, strangers } = await visit(t);
  await settled(page);
  for (const tab of TABS) {
    await t.test(tab, async () => {
      await open(page, tab);
      for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.setViewportSize(DESK);
        assert.deepEqual(await faultsOf(page), [], `${tab} in ${colorScheme}`);
        await page.screenshot({ path: join(SHOTS, `page-${tab}-${colorScheme}.png`), fullPage: true });
        await page.setViewportSize(PHONE);
        const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(tooWide <= 0, `${tab} is ${tooWide} pixels too wide`);
        await page.screenshot({ path: join(SHOTS, `page-${tab}-${colorScheme}-phone.png`), fullPage: true });
      }
      await page.setViewportSize(DESK);
    });
  }
  // The train stands still for whoever asks for that.
  assert.match(await page.evaluate(() => getComputedStyle(document.querySelector('#line'), '::after').transition), /^none/);
  assert.deepEqual(complaints, []);
  assert.deepEqual(strangers, []);
});
