/** pointsman/worker in a page: a Web Worker decides as the page would, and its death is no silence. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blankPages } from './support/blank-page.mjs';

const PROMPT = 'Which enzyme unwinds the DNA double helix?';

const newPage = blankPages();

test('a Web Worker decides as the page does, and leaves the page free', async () => {
  const page = await open();
  const [here, there] = await page.evaluate(async (prompt) => {
    const { createRouter } = await import('/pointsman/browser.js');
    const decide = async (router) => {
      const { ms, ...decision } = await router.route(prompt);
      return { decision, vector: [...await router.embed(prompt)] };
    };
    return [await decide(await createRouter({ seed: 1 })), await decide(await globalThis.createRouter({ seed: 1 }))];
  }, PROMPT);
  assert.deepEqual(there, here);
  const turns = await page.evaluate(async (prompt) => {
    const router = await globalThis.createRouter();
    let count = 0;
    const counting = setInterval(() => { count += 1; }, 1);
    await router.embed(Array.from({ length: 10 }, (_, i) => `${prompt} ${i}`));
    clearInterval(counting);
    return count;
  }, PROMPT);
  assert.ok(turns > 1);
});

test('places are those that the page sees, and bytes are moved', async () => {
  const page = await open();
  const lengths = await page.evaluate(async () => {
    const bytes = new Uint8Array(await (await fetch('pointsman/assets/router.bin')).arrayBuffer());
    await globalThis.createRouter({ router: { src: bytes }, embedder: { src: 'pointsman/assets/embedder.bin' } });
    const router = await globalThis.createRouter({ router: { src: await fetch('pointsman/assets/router.bin') }, learn: { dimensions: 4 } });
    const state = await router.exportState();
    const before = state.length;
    await router.mergeState(state);
    return [bytes.length, before > 0, state.length];
  });
  assert.deepEqual(lengths, [0, true, 0]);
});

test('a worker that is killed rejects every call', async () => {
  const page = await open();
  await page.evaluate(async () => { globalThis.router = await globalThis.createRouter(); });
  // It works no more: its next message is its end.
  await page.workers()[0].evaluate(() => { MessagePort.prototype.postMessage = () => globalThis.close(); });
  const codes = await page.evaluate((prompt) => {
    const calls = [globalThis.router.embed(prompt), globalThis.router.route(prompt)];
    return Promise.all(calls.map((call) => call.then(() => 'answered', ({ code }) => code)));
  }, PROMPT);
  assert.deepEqual(codes, ['ENGINE', 'ENGINE']);
  const later = await page.evaluate((prompt) => globalThis.router.route(prompt).catch(({ code, message }) => [code, message]), PROMPT);
  assert.deepEqual(later, ['ENGINE', "the router's thread ended: it was killed; create a new router"]);
});

test('a worker whose script is missing, or that throws, says so', async () => {
  const page = await open();
  const failure = (options) => page.evaluate((given) => globalThis.createRouter(given).catch(({ code, message }) => ({ code, message })), options);
  await page.route('**/browser-thread.js', (route) => route.fulfill({ status: 404 }));
  const missing = await failure();
  assert.deepEqual([missing.code, /its script cannot be loaded/.test(missing.message)], ['ENGINE', true]);
  await page.unroute('**/browser-thread.js');
  await page.route('**/browser-thread.js', (route) => route.fulfill({ contentType: 'text/javascript', body: 'throw new Error("it broke")' }));
  const broken = await failure();
  assert.deepEqual([broken.code, /it broke/.test(broken.message)], ['ENGINE', true]);
  await page.unroute('**/browser-thread.js');
  assert.equal((await failure({ fallback: 'nobody' })).code, 'BAD_INPUT');
});

test('disposing ends the worker', async () => {
  const page = await open();
  await page.evaluate(async () => { globalThis.router = await globalThis.createRouter(); });
  const [worker] = page.workers();
  const closed = worker.waitForEvent('close');
  await page.evaluate(() => globalThis.router[Symbol.asyncDispose]());
  await closed;
});

/** A page with pointsman/worker. */
async function open() {
  const { page, url } = await newPage();
  await page.goto(url);
  await page.evaluate(async () => { Object.assign(globalThis, await import('/pointsman/worker/browser.js')); });
  return page;
}
