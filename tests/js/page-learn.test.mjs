/** The learn tab: thumbs move picks, what was learned outlives the page, and one button forgets it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numbersIn, settled, visit } from './support/page.mjs';

test('the learn tab', async (t) => {
  const { page, context, complaints } = await visit(t, { hash: '#learn' });
  const ready = () => page.locator('#learn-shown').waitFor();
  const model = () => page.locator('#learn-model').textContent();
  const table = async () => page.locator('#learn-table tr').evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
  const thumb = async (name, many) => {
    await page.getByRole('button', { name }).click();
    await page.getByText(`${many} so far`).waitFor();
  };
  await settled(page);
  await ready();
  const first = await model();
  assert.ok((await table()).every((row) => row[2] === row[3] && row[4] === '0.0'), 'nothing has moved yet');

  await t.test('a bad answer moves the estimate down, and in the end the pick away', async () => {
    let thumbs = 0;
    while (await model() === first && thumbs < 10) {
      thumbs += 1;
      await thumb('Bad answer', thumbs === 1 ? '1 thumb' : `${thumbs} thumbs`);
    }
    assert.notEqual(await model(), first);
    const row = (await table()).find(([name]) => name === first);
    assert.equal(row[1], `0 up, ${thumbs} down`);
    assert.ok(numbersIn(row[4])[0] < -5, row.join());
  });

  await t.test('a good answer moves it up', async () => {
    const liked = await model();
    const now = async () => numbersIn((await table()).find(([name]) => name === liked)[3])[0];
    const before = await now();
    await page.getByRole('button', { name: 'Good answer' }).click();
    await page.getByText(`Thumbs up for ${liked}`).waitFor();
    assert.ok(await now() > before);
  });

  await t.test('what was learned is there after a reload', async () => {
    const [pick, learned] = [await model(), await table()];
    await page.reload();
    await ready();
    assert.equal(await model(), pick);
    assert.deepEqual(await table(), learned);
  });

  await t.test('and gone after it was forgotten', async () => {
    await page.getByRole('button', { name: 'Forget it all' }).click();
    await page.getByText('Forgotten.').waitFor();
    assert.equal(await model(), first);
    await page.reload();
    await ready();
    assert.equal(await model(), first);
    assert.match(await page.locator('#learn-count').textContent(), /Nothing learned/);
  });

  await t.test('and of no use to other files', async () => {
    await thumb('Bad answer', '1 thumb');
    await context.route('**/assets.json', async (route) => {
      const list = await (await route.fetch()).json();
      await route.fulfill({ json: { ...list, 'router.bin': { ...list['router.bin'], sha256: '0'.repeat(64) } } });
    });
    // The page that is kept would not ask.
    await page.evaluate(async () => Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).delete('pointsman/assets/assets.json'))));
    await page.reload();
    await page.getByText('files have changed since you taught it').waitFor();
    assert.equal(await model(), first);
  });

  assert.deepEqual(complaints, []);
});
