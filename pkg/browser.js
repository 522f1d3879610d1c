/** pointsman in a browser, or wherever bundlers resolve `new URL(..., import.meta.url)`. */

import { routerFactory } from './core.js';
import { stateMerger } from './merge.js';
import { fasterOf } from './simd.js';
import { bind } from './wasm/pointsman.js';

export { PointsmanError } from './error.js';
export { explain } from './explain.js';

/** @type {import('./core.js').Host} */
const host = {
  bind,
  open: (src) => fetch(src),
  wasm: () => fasterOf({
    simd128: new URL('./wasm/pointsman_simd128_bg.wasm', import.meta.url),
    relaxed: new URL('./wasm/pointsman_relaxed_bg.wasm', import.meta.url),
  }),
  router: new URL('./assets/router.bin', import.meta.url),
  embedder: new URL('./assets/embedder.bin', import.meta.url),
  static: {
    router: new URL('./assets/router-static.bin', import.meta.url),
    embedder: new URL('./assets/embedder-static.bin', import.meta.url),
  },
  gpu: () => import('./device.js'),
  background: true,
};

export const createRouter = /* @__PURE__ */ routerFactory(host);
export const mergeStates = /* @__PURE__ */ stateMerger(host);
