/** The demo page routes a prompt, follows its dial, complains about nothing and asks no stranger. */

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { serve } from '../../scripts/serve.mjs';
import { complaintsOf, launchChromium } from './support/chromium.mjs';
import { ROOT } from './support/paths.mjs';

const SHOTS = join(ROOT, 'test-results');

test('the demo page', async (t) => {
  const { url, close } = await serve();
  t.after(close);
  await mkdir(SHOTS, { recursive: true });
  const page = await (await launchChromium(t)).newPage({ viewport: { width: 1100, height: 900 } });
  const complaints = complaintsOf(page);
  const requests = [];
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(url);
  await page.getByRole('status').filter({ hasText: 'Goes to' }).waitFor();

  await t.test('judges every candidate for a typed prompt', async () => {
    await page.getByRole('textbox', { name: 'Prompt' }).fill('What is 2 + 2?');
    await decided(page, 2);
    assert.equal(await chosen(page).count(), 1);
    assert.ok(await page.getByRole('row').count() > 3);
    await page.screenshot({ path: join(SHOTS, 'page-light.png'), fullPage: true });
  });

  await t.test('follows the dial from the keyboard', async () => {
    const dial = page.getByRole('slider', { name: 'Cost dial' });
    assert.equal(await dial.getAttribute('aria-valuetext'), 'default');
    await dial.press('Home');
    await decided(page, 3);
    assert.equal(await dial.getAttribute('aria-valuetext'), 'quality alone');
    const best = await costOfChosen(page);
    await dial.press('End');
    await decided(page, 4);
    assert.ok(await costOfChosen(page) < best);
    await page.getByRole('button', { name: 'Back to default' }).click();
    await decided(page, 5);
    assert.equal(await dial.getAttribute('aria-valuetext'), 'default');
  });

  await t.test('offers examples', async () => {
    await page.getByRole('button', { name: 'Code' }).click();
    await decided(page, 6);
    assert.match(await page.getByRole('textbox').inputValue(), /Rust/);
  });

  await t.test('fits a phone, in the dark', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 360, height: 740 });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `${overflow} pixels too wide`);
    await page.screenshot({ path: join(SHOTS, 'page-dark-phone.png'), fullPage: true });
  });

  await t.test('complains about nothing and asks nobody else', () => {
    assert.deepEqual(complaints, []);
    assert.deepEqual(requests.filter((request) => !request.startsWith(url)), []);
  });
});

test('the demo page says what is wrong when a file is missing', async (t) => {
  const { url, close } = await serve();
  t.after(close);
  const page = await (await launchChromium(t)).newPage();
  await page.route('**/embedder.bin', (route) => route.fulfill({ status: 404 }));
  await page.goto(url);
  await page.getByRole('alert').filter({ hasText: /^IO: .*embedder\.bin answered 404/ }).waitFor();
});

/** Waits until the page has made that many decisions. */
async function decided(page, count) {
  await page.getByText(`${count} decisions`).waitFor();
}

function chosen(page) {
  return page.getByRole('row').filter({ hasText: 'chosen' });
}

async function costOfChosen(page) {
  return Number(await chosen(page).getByRole('cell').nth(1).textContent());
}
