/** The README's two pictures of the page. `UPDATE=1 node --test tests/js/page-shots.test.mjs` takes them anew. */

import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { env } from 'node:process';
import { test } from 'node:test';
import { open, settled, visit } from './support/page.mjs';
import { ROOT } from './support/paths.mjs';

const FOLDER = join(ROOT, 'www', 'shots');
const WIDTH = 1200;
const NAMES = ['route', 'batch'];

test('the pictures are taken', { skip: !env.UPDATE && 'set UPDATE=1 to take them' }, async (t) => {
  await mkdir(FOLDER, { recursive: true });
  const { page } = await visit(t);
  await page.setViewportSize({ width: WIDTH, height: 900 });
  await settled(page);
  for (const name of NAMES) {
    await open(page, name);
    await page.locator('footer').evaluate((footer) => { footer.hidden = true; }); // its times are another at every take
    await page.mouse.move(0, 0);
    await page.waitForTimeout(500); // trains and bars come to rest
    const { height } = await page.locator(`#panel-${name}`).boundingBox().then((box) => ({ height: Math.min(box.y + box.height + 10, 1250) }));
    await page.screenshot({ path: join(FOLDER, `${name}.png`), fullPage: true, clip: { x: 0, y: 0, width: WIDTH, height } });
  }
});

test('they are there, as wide as they shall be, and small', async () => {
  for (const name of NAMES) {
    const bytes = await readFile(join(FOLDER, `${name}.png`));
    assert.equal(bytes.subarray(1, 4).toString(), 'PNG');
    assert.equal(bytes.readUInt32BE(16), WIDTH, name);
    assert.ok(bytes.length < 200_000, `${name}.png has ${bytes.length} bytes`);
  }
});
