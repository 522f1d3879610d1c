/**
 * Keeps the page and the router's files, so that both work without a network after the first visit.
 *
 * A cache is one whole version: what index.html leads to, followed from import to import, and the files that
 * pointsman/assets.json names, each checked against its hash. Its name is the hash of all that. A new version is
 * gathered beside the old one, and takes its place when the page is next opened.
 */

const PREFIX = 'pointsman-';
/** The last thing to be put into a cache: one without it was never finished. */
const STAMP = './stamp';
const HOME = new URL('./', self.location.href).href;
const PACKAGE = new URL('./pointsman/', HOME).href;
const LIST = `${PACKAGE}assets/assets.json`;
/** What is kept of a small file's headers. A worker has the policy that came with its own script, and not its page's. */
const KEPT = ['content-security-policy', 'content-type'];

/** The page goes first; what is newer is for its next visit. */
const PATIENCE_MS = 3000;

let current;
let gathering;

self.addEventListener('install', (event) => event.waitUntil(gathered().then(() => self.skipWaiting())));
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', (event) => {
  const { method, url, mode } = event.request;
  if (method !== 'GET' || !url.startsWith(HOME)) return;
  if (mode === 'navigate') {
    current = adopt();
    event.waitUntil(lookForNews());
  }
  event.respondWith(answer(event.request));
});

/** The worker looks by itself and does not wait to be asked: a page that is broken could not ask for its mending. */
async function lookForNews() {
  await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  const isNew = await gathered().catch(() => false); // without a network there is nothing newer
  if (!isNew) return;
  for (const client of await self.clients.matchAll()) client.postMessage({ isNew });
}

/** Two tabs want the same at once. */
function gathered() {
  return gathering ??= gather().finally(() => { gathering = undefined; });
}

async function answer(request) {
  current ??= adopt();
  const cache = await current;
  const asked = request.url.split('#', 1)[0];
  const found = await cache?.match(asked === `${HOME}index.html` ? HOME : asked, { ignoreSearch: true });
  return found ?? fetch(request);
}

/** Opens the newest finished version, and removes the others. */
async function adopt() {
  const versions = await finished();
  const newest = versions.sort((a, b) => b.time - a.time)[0];
  if (!newest) return undefined;
  await Promise.all(versions.filter((version) => version !== newest).map(({ name }) => caches.delete(name)));
  return caches.open(newest.name);
}

async function finished() {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX));
  const versions = await Promise.all(names.map(async (name) => {
    const stamp = await (await caches.open(name)).match(STAMP);
    return stamp && { name, time: Number(await stamp.text()) };
  }));
  return versions.filter(Boolean);
}

/** Makes a cache of what is on the server now, unless there is one. Resolves to whether it is new. */
async function gather() {
  const [texts, assets] = await Promise.all([crawl(), listAssets()]);
  texts.set(LIST, assets.list);
  const name = PREFIX + await nameOf(texts);
  const versions = await finished();
  if (versions.some((version) => version.name === name)) return false;
  await caches.delete(name); // a start that was never finished
  const cache = await caches.open(name);
  try {
    for (const [url, { text, headers }] of texts) await cache.put(url, new Response(text, { headers }));
    for (const asset of assets.files) await cache.put(asset.url, await bring(asset, versions));
    await cache.put(STAMP, new Response(String(Date.now())));
  } catch (error) {
    await caches.delete(name);
    throw error;
  }
  return versions.length > 0;
}

/** Everything small that the page leads to: from its links to its modules, and theirs. */
async function crawl() {
  const found = new Map();
  const page = await read(HOME);
  found.set(HOME, page);
  const follow = async (url) => {
    if (found.has(url)) return;
    found.set(url, undefined); // on its way
    const file = await read(url);
    found.set(url, file);
    if (file.headers['content-type']?.startsWith('text/javascript')) await Promise.all(modulesIn(file.text, url).map(follow));
  };
  const links = [...page.text.matchAll(/(?:href|src)="([^"#:]+)"/g)].map(([, link]) => new URL(link, HOME).href);
  await Promise.all(links.map(follow));
  return found;
}

/** The modules that a module imports, or starts as a worker. What a comment says is no import. */
function modulesIn(text, url) {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '');
  const found = code.matchAll(/^(?:import|export)\b[^'"=;]*?\bfrom\s*'([^']+)'|^import\s*'([^']+)'|(?:\bimport|new URL)\('([^']+\.js)'/gm);
  return [...found].map(([, from, bare, late]) => new URL(from ?? bare ?? late, url).href);
}

/** The package's big files: where its `exports` say they are, with their hashes. */
async function listAssets() {
  const [list, described] = await Promise.all([read(LIST), read(`${PACKAGE}package.json`)]);
  const { exports } = JSON.parse(described.text);
  const files = Object.entries(JSON.parse(list.text)).map(([name, { sha256 }]) => ({ url: new URL(exports[`./${name}`], PACKAGE).href, sha256 }));
  return { list, files };
}

/** A big file: from an older version where it is the same, or from the server. */
async function bring({ url, sha256 }, versions) {
  for (const { name } of versions) {
    const old = await (await caches.open(name)).match(url);
    if (old && await hashOf(await old.clone().arrayBuffer()) === sha256) return old;
  }
  const response = await opened(url);
  if (await hashOf(await response.clone().arrayBuffer()) !== sha256) throw new Error(`${url} is not what assets.json says`);
  return response;
}

async function read(url) {
  const response = await opened(url);
  const kept = [...response.headers].filter(([name]) => KEPT.includes(name));
  return { text: await response.text(), headers: Object.fromEntries(kept) };
}

/** What the browser has is asked for again, but sent only where it has changed. */
async function opened(url) {
  const response = await fetch(url, { cache: 'no-cache' });
  if (response.ok) return response;
  throw new Error(`${url} answered ${response.status}`);
}

async function nameOf(texts) {
  const parts = [...texts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([url, { text, headers }]) => `${url}\n${JSON.stringify(headers)}\n${text}`);
  const all = new TextEncoder().encode(parts.join('\n'));
  return (await hashOf(all)).slice(0, 16);
}

async function hashOf(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
