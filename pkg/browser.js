/** pointsman in a browser, or wherever bundlers resolve `new URL(..., import.meta.url)`. */

import { routerFactory } from './core.js';
import * as glue from './wasm/pointsman.js';

export { PointsmanError } from './error.js';

export const createRouter = /* @__PURE__ */ routerFactory({
  glue,
  open: (src) => fetch(src),
  wasm: new URL('./wasm/pointsman_bg.wasm', import.meta.url),
  router: new URL('./assets/router.bin', import.meta.url),
  embedder: new URL('./assets/embedder.bin', import.meta.url),
});
