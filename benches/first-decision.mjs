/**
 * From opening a page to its first decision, over an emulated line of 10 Mbit/s and 40 ms, with nothing cached and again
 * with all of it cached. usage: node benches/first-decision.mjs [rounds]
 *
 * The page imports the package as a bundler leaves it (one script; the files beside it), everything gzipped on its way.
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { launchChromium } from '../tests/js/support/chromium.mjs';
import { PKG } from '../tests/js/support/paths.mjs';
import { median } from './peers/statistics.mjs';

const ROUNDS = Number(process.argv[2] ?? 5);
const LINE = { offline: false, latency: 40, downloadThroughput: 10e6 / 8, uploadThroughput: 10e6 / 8 };
const PROMPT = 'Which enzyme unwinds the DNA double helix?';
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm', '.bin': 'application/octet-stream' };

const { outputFiles: [{ contents: script }] } = await build({
  entryPoints: [join(PKG, 'browser.js')], bundle: true, minify: true, format: 'esm', write: false,
});
const page = `<!doctype html><title>bench</title><script type="module">
import { createRouter } from '/pointsman.js';
const tier = new URLSearchParams(location.search).get('tier');
const router = await createRouter({ tier });
const decision = await router.route(${JSON.stringify(PROMPT)});
globalThis.done = { ms: performance.now(), tier: decision.tier };
</script>`;

const zipped = new Map([['/', gzipSync(page)], ['/pointsman.js', gzipSync(script, { level: 9 })]]);
/** What the page asks for, in bytes by path. */
const sent = new Map();
const server = createServer(async (request, response) => {
  const path = request.url.split('?', 1)[0];
  const body = zipped.get(path) ?? await zip(path);
  if (!body) return response.writeHead(404).end();
  sent.set(path, body.length);
  const type = TYPES[extname(path)] ?? TYPES['.html'];
  response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip', 'content-length': body.length, 'cache-control': 'max-age=3600' });
  response.end(body);
});
await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
const url = `http://127.0.0.1:${server.address().port}/`;

const ends = [];
for (const tier of ['auto', 'full']) {
  const [cold, cached, bytes] = [[], [], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    const browser = await launchChromium({ after: (end) => ends.push(end) });
    const context = await browser.newContext();
    sent.clear();
    cold.push(await decide(context, tier, LINE));
    bytes.push(firstBytes(tier));
    cached.push(await decide(context, tier));
    await browser.close();
  }
  const seconds = (list) => (median(list) / 1000).toFixed(2);
  console.log(`${tier}: ${(median(bytes) / 1e6).toFixed(2)} MB gzip; first decision after ${seconds(cold)} s at 10 Mbit/s, 40 ms; `
    + `${seconds(cached)} s from the cache (medians of ${ROUNDS})`);
}
server.close();

/** The time from navigation to the first decision, in milliseconds. */
async function decide(context, tier, line) {
  const tab = await context.newPage();
  if (line) await (await context.newCDPSession(tab)).send('Network.emulateNetworkConditions', line);
  await tab.goto(`${url}?tier=${tier}`);
  const done = await (await tab.waitForFunction(() => globalThis.done, undefined, { timeout: 120_000 })).jsonValue();
  return done.ms;
}

/** What came before the first decision; of `auto`, the full tier's two files come after it. */
function firstBytes(tier) {
  const later = tier === 'auto' ? ['/assets/embedder.bin', '/assets/router.bin'] : [];
  return [...sent].filter(([path]) => !later.includes(path)).reduce((sum, [, size]) => sum + size, 0);
}

async function zip(path) {
  const file = await readFile(join(PKG, path)).catch(() => undefined);
  if (file) zipped.set(path, gzipSync(file, { level: 9 }));
  return zipped.get(path);
}
