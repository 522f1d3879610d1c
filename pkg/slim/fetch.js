/** pointsman without its files, in a browser or a Cloudflare Worker: no bundler finds one to emit here. */

import { routerFactory } from '../core.js';
import { stateMerger } from '../merge.js';
import { bind } from '../wasm/pointsman.js';

export { PointsmanError } from '../error.js';
export { explain } from '../explain.js';

/** @type {import('../core.js').Host} */
const host = { bind, open: (src) => fetch(src), background: globalThis.navigator?.userAgent !== 'Cloudflare-Workers' };

export const createRouter = /* @__PURE__ */ routerFactory(host);
export const mergeStates = /* @__PURE__ */ stateMerger(host);
