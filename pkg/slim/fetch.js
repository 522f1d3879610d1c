/** pointsman without its files, in a browser or a Cloudflare Worker: no bundler finds one to emit here. */

import { routerFactory } from '../core.js';
import * as glue from '../wasm/pointsman.js';

export { PointsmanError } from '../error.js';
export { explain } from '../explain.js';

export const createRouter = /* @__PURE__ */ routerFactory({ glue, open: (src) => fetch(src) });
