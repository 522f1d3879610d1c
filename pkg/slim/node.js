/** pointsman without its files, in Node, where a path or a file URL is as good as any other. */

import { routerFactory } from '../core.js';
import { open } from '../disk.js';
import { stateMerger } from '../merge.js';
import { bind } from '../wasm/pointsman.js';

export { PointsmanError } from '../error.js';
export { explain } from '../explain.js';

/** @type {import('../core.js').Host} */
const host = { bind, open, background: false };

export const createRouter = /* @__PURE__ */ routerFactory(host);
export const mergeStates = /* @__PURE__ */ stateMerger(host);
