/** The first tab routes a prompt, follows its dial, says why, and says what is wrong. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decided, numbersIn, settled, visit } from './support/page.mjs';

test('the route tab', async (t) => {
  const { page, complaints } = await visit(t);
  await settled(page);

  await t.test('judges every candidate for a typed prompt', async () => {
    await redecided(page, () => page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('What is the pH of a 0.01 M solution of hydrochloric acid?'));
    assert.equal(await chosen(page).count(), 1);
    assert.ok(await page.locator('#candidates tr').count() > 3);
    assert.ok(numbersIn(await page.locator('#facts').textContent()).length >= 3);
  });

  await t.test('follows the dial from the keyboard', async () => {
    const dial = page.getByRole('slider', { name: 'Cost dial' });
    assert.equal(await dial.getAttribute('aria-valuetext'), 'default');
    await redecided(page, () => dial.press('Home'));
    assert.equal(await dial.getAttribute('aria-valuetext'), 'quality alone');
    const best = await costOfChosen(page);
    await redecided(page, () => dial.press('End'));
    assert.match(await dial.getAttribute('aria-valuetext'), /cost weight \d/);
    assert.ok(await costOfChosen(page) < best);
    await redecided(page, () => page.getByRole('button', { name: 'Back to default' }).click());
    assert.equal(await dial.getAttribute('aria-valuetext'), 'default');
  });

  await t.test('explains, and compares with the best single candidate', async () => {
    await page.getByText('The decision in words').click();
    const model = await page.locator('#pick-model').textContent();
    const words = await page.locator('#explained').textContent();
    assert.ok(words.startsWith(`${model}: `) && words.includes(`> ${model}: quality`), words);
    assert.match(await page.locator('#against').textContent(), /best single candidate/);
  });

  await t.test('offers examples, of which one is in a language it does not judge', async () => {
    await redecided(page, () => page.getByRole('button', { name: 'Español' }).click());
    assert.match(await page.getByRole('textbox', { name: 'Prompt', exact: true }).inputValue(), /Quijote/);
    assert.match(await page.locator('#pick-reason').textContent(), /unlike/);
  });

  assert.deepEqual(complaints, []);
});

test('the static tier answers while the full one loads', async (t) => {
  const { prepare, release } = holding('**/embedder.bin');
  const { page, complaints } = await visit(t, { prepare });
  await decided(page);
  assert.equal(await page.locator('#pick-tier').textContent(), 'static tier');
  release();
  await page.locator('#pick-tier').filter({ hasText: 'full tier' }).waitFor();
  assert.ok(await page.getByRole('progressbar', { name: /Loading|loading/ }).isHidden());
  assert.deepEqual(complaints, []);
});

test('the static tier stays where the full one cannot be had', async (t) => {
  const prepare = (context) => context.route('**/embedder.bin', (route) => route.fulfill({ status: 503 }));
  const { page } = await visit(t, { prepare });
  await decided(page);
  const alert = page.getByRole('alert').filter({ hasText: /^IO: .*embedder\.bin answered 503.*The static tier goes on answering/ });
  for (let tries = 0; tries < 50 && !await alert.isVisible(); tries += 1) {
    await page.getByRole('button', { name: tries % 2 ? 'Law' : 'Code' }).click();
    await page.waitForTimeout(200);
  }
  await alert.waitFor();
  assert.ok(await page.getByText('loading the full one').isHidden());
});

test('loading is shown', async (t) => {
  const { prepare, release } = holding('**/embedder-static.bin');
  const { page } = await visit(t, { prepare });
  await page.getByText('Loading the router').waitFor();
  await page.waitForFunction(() => /** @type {any} */ (document.querySelector('#progress')).value > 0);
  assert.match(await page.locator('#progress-text').textContent(), /^[\d.]+ of [\d.]+ MB$/);
  release();
  await decided(page);
});

test('the page says what is wrong when a file is missing', async (t) => {
  const prepare = (context) => context.route('**/*.bin', (route) => route.fulfill({ status: 404 }));
  const { page } = await visit(t, { prepare });
  await page.getByRole('alert').filter({ hasText: /^IO: .*\.bin answered 404/ }).waitFor();
});

/** Does something, and waits for the decision that it brings: the footer counts them. */
async function redecided(page, act) {
  const count = async () => numbersIn(await page.locator('#engine').textContent())[0];
  await page.locator('#against').filter({ hasText: /\w/ }).waitFor();
  const before = await count();
  await act();
  await page.waitForFunction((calls) => Number(document.querySelector('#engine').textContent.match(/([\d,]+) decision/)[1].replace(',', '')) > calls, before);
}

function chosen(page) {
  return page.getByRole('row').filter({ hasText: 'chosen' });
}

async function costOfChosen(page) {
  return Number(await chosen(page).getByRole('cell').nth(1).textContent());
}

/** A file that comes only when it is released. */
function holding(glob) {
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  const prepare = (context) => context.route(glob, async (route) => {
    await held;
    await route.continue();
  });
  return { prepare, release };
}
