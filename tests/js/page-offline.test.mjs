/** After one visit the page needs no network; and when the server has a newer page, it takes the old one's place. */

import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PKG, ROOT, temporaryFolder } from './support/paths.mjs';
import { TABS, decided, open, settled, visit } from './support/page.mjs';

test('everything works without a network after the first visit', async (t) => {
  const { page, context, complaints, strangers, close } = await visit(t);
  await settled(page);
  await context.setOffline(true);
  await close(); // offline for certain, also for the service worker
  await page.reload();
  await decided(page);
  for (const tab of TABS) await open(page, tab);
  assert.deepEqual(complaints, []);
  assert.deepEqual(strangers, []);
});

test('an update replaces the old page', async (t) => {
  const www = join(temporaryFolder(), 'www');
  await cp(join(ROOT, 'www'), www, { recursive: true });
  const mounts = { '/pointsman/': PKG, '/vendor/uplot/': join(ROOT, 'node_modules', 'uplot', 'dist'), '/': www };
  const { page, complaints } = await visit(t, { mounts });
  await settled(page);
  const [old] = await page.evaluate(() => caches.keys());
  assert.match(old, /^pointsman-[0-9a-f]{16}$/);

  // Deep in the tree of imports, to see that the whole tree counts.
  const file = join(www, 'figures.js');
  await writeFile(file, (await readFile(file, 'utf8')).replace("'no less'", "'not a cent less'"));
  await page.reload(); // still the old page: it looks for a new one when it is there
  await page.getByText('A new version is here').waitFor();
  assert.equal((await page.evaluate(() => caches.keys())).length, 2);
  await page.reload();
  await settled(page);
  const names = await page.evaluate(() => caches.keys());
  assert.ok(names.length === 1 && names[0] !== old, names.join());
  assert.match(await page.evaluate(() => fetch('figures.js').then((response) => response.text())), /not a cent less/);
  assert.deepEqual(complaints, []);
});
