/**
 * pointsman in a Cloudflare Worker, which may compile no wasm at run time: all files are imported. A Worker's size is
 * limited, and every workerd that still runs Workers has relaxed SIMD and a fast form of it.
 */

import embedderStatic from './assets/embedder-static.bin';
import embedder from './assets/embedder.bin';
import routerStatic from './assets/router-static.bin';
import router from './assets/router.bin';
import { routerFactory } from './core.js';
import { stateMerger } from './merge.js';
import { bind } from './wasm/pointsman.js';
import wasm from './wasm/pointsman_relaxed_bg.wasm';

export { PointsmanError } from './error.js';
export { explain } from './explain.js';

/** @type {import('./core.js').Host} */
const host = {
  bind,
  open: (src) => fetch(src),
  wasm: async () => wasm,
  router,
  embedder,
  static: { router: routerStatic, embedder: embedderStatic },
  background: false,
};

export const createRouter = /* @__PURE__ */ routerFactory(host);
export const mergeStates = /* @__PURE__ */ stateMerger(host);
