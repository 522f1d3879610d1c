/** pointsman in Node, Bun and Deno: files come from the disk, other URLs are fetched. */

import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { routerFactory } from './core.js';
import * as glue from './wasm/pointsman.js';

export { PointsmanError } from './error.js';

export const createRouter = /* @__PURE__ */ routerFactory({
  glue,
  open,
  wasm: new URL('./wasm/pointsman_bg.wasm', import.meta.url),
  router: new URL('./assets/router.bin', import.meta.url),
  embedder: new URL('./assets/embedder.bin', import.meta.url),
});

async function open(src) {
  const url = src instanceof URL ? src : fromString(src);
  if (url.protocol !== 'file:') return fetch(url);
  const bytes = await readFile(url);
  // The type is what lets the wasm among these files compile straight from its response.
  return new Response(bytes, { headers: { 'content-length': `${bytes.length}`, 'content-type': 'application/wasm' } });
}

/** A URL where there is a scheme, else a path. One letter and a colon is a Windows drive. */
function fromString(src) {
  return /^[a-z][a-z0-9+.-]+:/i.test(src) ? new URL(src) : pathToFileURL(src);
}
