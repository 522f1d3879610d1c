/**
 * Once its files are here, a router calls nobody and says nothing, and nothing that it hands out or leaves behind holds a
 * word of what it was given.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allowedNodeEnvironmentFlags, env, execPath } from 'node:process';
import { test } from 'node:test';
import { blankPages } from './support/blank-page.mjs';
import { CANARIES } from './support/blank/exercise.js';
import { canariesIn, formsOf } from './support/canaries.mjs';
import { link } from './support/consumer.mjs';
import { PKG, ROOT, temporaryFolder } from './support/paths.mjs';
import { startWorker } from './support/worker.mjs';

const SUPPORT = join(ROOT, 'tests', 'js', 'support');
const newPage = blankPages();

test('a planted word is found in every form', () => {
  for (const [form, bytes] of formsOf(CANARIES.prompt)) {
    const around = Buffer.concat([Buffer.from('before'), bytes, Buffer.from('after')]);
    assert.notDeepEqual(canariesIn({ state: around.toString('hex') }), [], form);
  }
  assert.notDeepEqual(canariesIn({ stats: JSON.stringify({ last: CANARIES.session.toLowerCase() }) }), []);
});

for (const [entry, threads] of /** @type {const} */ ([['node.js', [0]], ['worker/node.js', [0, 1]]])) {
  // Nothing is fetched in Node, so the traps are there from the start; and the process may not write a file.
  test(`Node, ${entry}`, () => {
    const { status, stdout, stderr, caught } = inNode(entry);
    assert.deepEqual([status, stderr], [0, '']);
    assert.deepEqual(caught, threads.map((thread) => `thread ${thread}: planted`));
    isDiscreet(JSON.parse(stdout));
  });
}

test('the traps of Node catch', () => {
  const { caught } = inNode('node.js', 'spring');
  for (const name of ['fetch', 'WebSocket', 'console.log', 'console.error']) assert.ok(caught.includes(`thread 0: ${name}`), name);
});

for (const entry of ['browser.js', 'worker/browser.js']) {
  test(`Chromium, ${entry}`, async () => {
    const { page, url } = await newPage();
    const [requests, said] = [[], []];
    page.on('console', (message) => said.push(message.text()));
    await page.exposeFunction('loaded', async () => {
      for (const worker of page.workers()) await worker.evaluate(trap);
      page.on('request', (request) => requests.push(request.url()));
    });
    await page.goto(url);
    const given = await page.evaluate(async (name) => {
      const [{ exercise }, { plant }, found] = await Promise.all([import('/exercise.js'), import('/traps.js'), import(`/pointsman/${name}`)]);
      return exercise(found, {}, async () => {
        await globalThis.loaded();
        plant();
      });
    }, entry);
    isDiscreet(given);
    const threads = [page, ...page.workers()];
    assert.equal(threads.length, entry === 'browser.js' ? 1 : 2);
    for (const thread of threads) {
      assert.deepEqual(await thread.evaluate(caught), []);
      const { free, trapped } = await thread.evaluate(sprung);
      assert.ok(free === 0 && trapped > 10, 'the traps catch');
    }
    assert.deepEqual([requests, said], [[], []]);
    assert.deepEqual(await page.evaluate(kept), []);
    assert.deepEqual(await page.evaluate(keepSomething).then(() => page.evaluate(kept)), ['localStorage', 'sessionStorage', 'cookies', 'databases', 'caches', 'files']);
  });
}

test('workerd', async (t) => {
  const requests = [];
  const outboundService = (request) => {
    requests.push(request.url);
    return new Response('', { status: 500 });
  };
  const ask = await startWorker(t, await link(), { code: WORKER, outboundService });
  const { given, caught: calls, sprung: { free, trapped } } = await (await ask('')).json();
  isDiscreet(given);
  assert.deepEqual([calls, requests], [[], []]);
  assert.ok(free === 0 && trapped > 10, 'the traps catch');
});

const WORKER = `
import * as entry from 'pointsman';
import { exercise } from '${join(SUPPORT, 'blank/exercise.js')}';
import { calls, plant, spring } from '${join(SUPPORT, 'blank/traps.js')}';
export default {
  async fetch() {
    const given = await exercise(entry, {}, plant);
    return Response.json({ given, caught: calls(), sprung: spring() });
  },
};
`;

/** All was done, and no word of it is in what came of it. */
function isDiscreet(given) {
  assert.equal(given.refused, 'NO_ELIGIBLE BAD_INPUT BAD_INPUT BAD_INPUT BAD_INPUT BAD_ARTIFACT');
  for (const bytes of [given.state, given.drained, given.after, given.receipts]) assert.match(bytes, /^[0-9a-f ]{200,}$/);
  assert.ok(given.decisions.includes('"reason":"assigned"') && given.explained.includes('quality'));
  assert.deepEqual(canariesIn(given), []);
}

/** Runs the exercise in a process that may read files, write none but the list of what was caught, and start threads. */
function inNode(entry, ...more) {
  const list = join(temporaryFolder(), 'caught');
  writeFileSync(list, '');
  const permission = ['--permission', '--experimental-permission'].find((flag) => allowedNodeEnvironmentFlags.has(flag));
  const flags = ['--no-warnings', permission, '--allow-fs-read=*', `--allow-fs-write=${list}`, '--allow-worker', '--import', join(SUPPORT, 'trapped.mjs')];
  const args = [...flags, join(SUPPORT, 'exercised.mjs'), join(PKG, entry), ...more];
  const { status, stdout, stderr } = spawnSync(execPath, args, { env: { ...env, CAUGHT: list }, encoding: 'utf8' });
  return { status, stdout, stderr, caught: readFileSync(list, 'utf8').trim().split('\n') };
}

// What follows runs in a page or a worker.

async function trap() {
  const { plant } = await import('/traps.js');
  plant();
}

async function caught() {
  const { calls } = await import('/traps.js');
  return calls();
}

async function sprung() {
  const { spring } = await import('/traps.js');
  return spring();
}

/** Where something was left behind. */
async function kept() {
  const root = await navigator.storage.getDirectory();
  const files = await Array.fromAsync(/** @type {any} */ (root).keys());
  const places = {
    localStorage: localStorage.length,
    sessionStorage: sessionStorage.length,
    cookies: document.cookie.length,
    databases: (await indexedDB.databases()).length,
    caches: (await caches.keys()).length,
    files: files.length,
  };
  return Object.keys(places).filter((place) => places[place] > 0);
}

async function keepSomething() {
  localStorage.setItem('a', 'b');
  sessionStorage.setItem('a', 'b');
  document.cookie = 'a=b';
  await caches.open('a');
  await (await navigator.storage.getDirectory()).getFileHandle('a', { create: true });
  await new Promise((resolve) => { indexedDB.open('a').onsuccess = resolve; });
}
