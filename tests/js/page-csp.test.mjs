/** The page and the package do all that they do under a policy that allows nothing from elsewhere and no inline script. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../../scripts/serve.mjs';
import { blankPages } from './support/blank-page.mjs';
import { TABS, open, settled, visit } from './support/page.mjs';

const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
const PROMPT = 'Which enzyme unwinds the DNA double helix?';
/** Where nobody listens: were it not forbidden, the answer would be another error. */
const ELSEWHERE = 'http://127.0.0.1:9/';

const newPage = blankPages();

test('every file is sent with the policy, also to whoever has it already', async (t) => {
  const { url, close } = await serve();
  t.after(close);
  for (const path of ['', 'app.js', 'sw.js', 'style.css', 'pointsman/worker/browser-thread.js', 'pointsman/wasm/pointsman_simd128_bg.wasm']) {
    const { headers } = await fetch(url + path);
    assert.equal(headers.get('content-security-policy'), POLICY, path);
    const again = await fetch(url + path, { headers: { 'if-none-match': headers.get('etag') }, cache: 'no-store' });
    assert.deepEqual([again.status, again.headers.get('content-security-policy')], [304, POLICY], path);
  }
});

test('where the page is hosted without that header, it brings the policy itself', async (t) => {
  const { url, close } = await serve();
  t.after(close);
  const html = await (await fetch(url)).text();
  assert.ok(html.includes(`<meta http-equiv="Content-Security-Policy" content="${POLICY}">`));
});

test('no tab needs what the policy forbids, from the network or kept', async (t) => {
  const { page, context, complaints } = await visit(t, { prepare: (made) => made.addInitScript(watch) });
  await settled(page);
  for (const visits of ['from the network', 'kept']) {
    for (const tab of TABS) {
      await open(page, tab);
      assert.deepEqual(await violations(page), [], `${tab}, ${visits}`);
    }
    const [download] = await Promise.all([page.waitForEvent('download'), downloadPlan(page)]);
    assert.equal(await download.failure(), null);
    assert.deepEqual(await violations(page), [], visits);
    assert.deepEqual(complaints, [], visits);
    await page.evaluate(() => document.body.setAttribute('style', 'color: red'));
    assert.deepEqual(new Set(await awaited(page)), new Set(['style-src-attr inline']), 'and the policy does hold');
    const workers = [...page.workers(), ...context.serviceWorkers()];
    assert.ok(workers.length > 2);
    for (const worker of workers) assert.equal(await worker.evaluate(reach, ELSEWHERE), 'connect-src', `${worker.url()}, ${visits}`);
    complaints.length = 0;
    await page.reload();
    await settled(page);
  }
});

test('the package needs nothing that the policy forbids, on the page\'s thread and on its own', async () => {
  const { page, url } = await newPage();
  await page.addInitScript(watch);
  const response = await page.goto(url);
  assert.equal(response.headers()['content-security-policy'], POLICY);
  const models = await page.evaluate(async (prompt) => {
    const tiers = /** @type {const} */ (['full', 'static']);
    const entries = await Promise.all(['browser.js', 'worker/browser.js', 'slim/fetch.js'].map((entry) => import(`/pointsman/${entry}`)));
    const files = (tier) => {
      const suffix = tier === 'static' ? '-static' : '';
      const src = (name) => ({ src: `/pointsman/assets/${name}${suffix}.bin` });
      return { router: src('router'), embedder: src('embedder'), wasm: '/pointsman/wasm/pointsman_simd128_bg.wasm' };
    };
    const made = entries.flatMap(({ createRouter }, place) => tiers.map((tier) => createRouter(place === 2 ? files(tier) : { tier })));
    return Promise.all(made.map(async (router) => (await (await router).route(prompt)).model));
  }, PROMPT);
  assert.equal(models.length, 6);
  assert.deepEqual(await violations(page), []);
  assert.equal(await page.evaluate(reach, ELSEWHERE), 'connect-src');
  assert.equal(page.workers().length, 2);
  for (const worker of page.workers()) assert.equal(await worker.evaluate(reach, ELSEWHERE), 'connect-src');
});

/** Runs in the page, before all else. What two policies forbid, header and page, is told twice. */
function watch() {
  Object.assign(globalThis, { violations: [] });
  document.addEventListener('securitypolicyviolation', (event) => {
    /** @type {any} */ (globalThis).violations.push(`${event.effectiveDirective} ${event.blockedURI}`);
  });
}

function violations(page) {
  return page.evaluate(() => /** @type {any} */ (globalThis).violations);
}

/** The same, once there is one: a violation is told in a task of its own, some time after what the policy kept from happening. */
async function awaited(page) {
  for (let round = 0; round < 100; round += 1) {
    const found = await violations(page);
    if (found.length > 0) return found;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  return [];
}

/** Runs in a page or a worker: which part of its policy keeps it from fetching. */
async function reach(url) {
  const forbidden = new Promise((resolve) => {
    globalThis.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
  });
  await fetch(url).catch(() => {});
  return Promise.race([forbidden, new Promise((resolve) => { setTimeout(resolve, 10_000, 'nothing'); })]);
}

async function downloadPlan(page) {
  await page.locator('#tab-batch').click();
  await page.getByRole('button', { name: 'Download CSV' }).click();
}
