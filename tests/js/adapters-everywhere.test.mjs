/** Both adapters in Chromium and in workerd, whose `fetch`, Request and Response are not Node's. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import { serve } from '../../scripts/serve.mjs';
import { launchChromium } from './support/chromium.mjs';
import { Miniflare } from './support/miniflare.mjs';
import { PKG } from './support/paths.mjs';
import { planted } from './support/planted.mjs';
import { startUpstream } from './support/upstream.mjs';

const EXPECTED = {
  fetched: 'second heard: Hello',
  headers: ['second', 'd1', 'utility', 'first'],
  path: '/v1/chat/completions',
  requested: 'second heard: Hello',
  generated: ['second', { id: 'd1', model: 'second', reason: 'utility', propensity: 1, usd: 1, failed: ['first'] }],
};

/** Runs where the test is about, and is carried there as text. */
async function visit({ routedFetch, routedModel }, router, base) {
  const [url, init] = [`${base}/chat/completions`, { method: 'POST', body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Hello' }] }) }];
  const send = routedFetch(router, { fallback: true });
  const heard = async (response) => (await response.json()).choices[0].message.content;
  const response = await send(url, init);
  const headers = ['model', 'decision', 'reason', 'failed'].map((name) => response.headers.get(`x-pointsman-${name}`));
  const model = (id) => ({
    specificationVersion: 'v4',
    supportedUrls: {},
    async doGenerate() {
      if (id === 'first') throw Object.assign(new Error('overloaded'), { isRetryable: true });
      return { content: id };
    },
    doStream() {},
  });
  const { content, providerMetadata } = await routedModel(router, { first: model('first'), second: model('second') }).doGenerate({ prompt: [] });
  return {
    fetched: await heard(response),
    headers,
    path: new URL(response.url).pathname,
    requested: await heard(await send(new Request(url, init))),
    generated: [content, providerMetadata.pointsman],
  };
}

async function startFaultyUpstream(t) {
  const upstream = await startUpstream(t);
  upstream.faults.set('first', { status: 503 });
  return upstream.url;
}

test('Chromium', async (t) => {
  const upstream = await startFaultyUpstream(t);
  const { url, close } = await serve();
  t.after(close);
  const page = await (await launchChromium(t)).newPage();
  await page.goto(`${url}pointsman/error.js`);
  await page.route('**/v1/**', async (route) => route.fulfill({ response: await route.fetch({ url: `${upstream}/chat/completions` }) }));
  const seen = await page.evaluate(`(async () => (${visit})(
    { ...await import('/pointsman/adapters/openai.js'), ...await import('/pointsman/adapters/ai-sdk.js') },
    (${planted})(),
    location.origin + '/v1',
  ))()`);
  assert.deepEqual(seen, EXPECTED);
});

test('workerd', async (t) => {
  const upstream = await startFaultyUpstream(t);
  const { outputFiles: [{ contents }] } = await build({
    stdin: {
      contents: `
        import { routedFetch } from './adapters/openai.js';
        import { routedModel } from './adapters/ai-sdk.js';
        export default { fetch: async (request, { UPSTREAM }) => Response.json(await (${visit})({ routedFetch, routedModel }, (${planted})(), UPSTREAM)) };`,
      resolveDir: PKG,
    },
    bundle: true,
    format: 'esm',
    write: false,
  });
  const worker = new Miniflare({
    modules: [{ type: 'ESModule', path: join('bundle', 'index.mjs'), contents }],
    bindings: { UPSTREAM: upstream },
    compatibilityDate: '2026-07-01',
    cf: false,
  });
  t.after(() => worker.dispose());
  assert.deepEqual(await (await worker.dispatchFetch('http://worker/')).json(), EXPECTED);
});
