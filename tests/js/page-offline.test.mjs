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

  // Deep in the tree of imports, to see that the whole tree counts; and what comes first is broken, to see that a page
  // that does nothing is replaced all the same.
  await change(join(www, 'figures.js'), "'no less'", "'not a cent less'");
  const boot = join(www, 'boot.js');
  await change(boot, 'const watchers', 'throw new Error("a broken release");\nconst watchers');
  await page.reload(); // still the old page, behind which the new one is gathered
  await page.getByText('A new version is here').waitFor();
  assert.equal((await page.evaluate(() => caches.keys())).length, 2);
  await page.reload();
  await versions(page, 1);
  assert.notEqual((await page.evaluate(() => caches.keys()))[0], old);
  assert.match(await page.evaluate(() => fetch('figures.js').then((response) => response.text())), /not a cent less/);
  assert.match(complaints.splice(0).join(), /a broken release/);

  await change(boot, 'throw new Error("a broken release");\n', '');
  await page.reload(); // still broken
  await versions(page, 2);
  complaints.length = 0;
  await page.reload();
  await decided(page);
  assert.deepEqual(complaints, []);
});

async function change(file, from, to) {
  const text = await readFile(file, 'utf8');
  assert.ok(text.includes(from));
  await writeFile(file, text.replace(from, to));
}

/** Waits until there are so many caches, none of them half filled. */
async function versions(page, many) {
  const stamps = () => page.evaluate(async () => Promise.all((await caches.keys()).map(async (name) => {
    return await (await caches.open(name)).match('stamp') !== undefined;
  })));
  for (let tries = 0; tries < 300; tries += 1) {
    const found = await stamps();
    if (found.length === many && found.every(Boolean)) return;
    await page.waitForTimeout(100);
  }
  assert.fail(`never ${many} versions`);
}
