/** pointsman in Node, Bun and Deno: files come from the disk, other URLs are fetched. */

import { routerFactory } from './core.js';
import { open } from './disk.js';
import { fasterOf } from './simd.js';
import * as glue from './wasm/pointsman.js';

export { PointsmanError } from './error.js';
export { explain } from './explain.js';

export const createRouter = /* @__PURE__ */ routerFactory({
  glue,
  open,
  wasm: () => fasterOf({
    simd128: new URL('./wasm/pointsman_simd128_bg.wasm', import.meta.url),
    relaxed: new URL('./wasm/pointsman_relaxed_bg.wasm', import.meta.url),
  }),
  router: new URL('./assets/router.bin', import.meta.url),
  embedder: new URL('./assets/embedder.bin', import.meta.url),
});
