/** pointsman/worker in a Cloudflare Worker, which has no threads: it says so, and imports no file. */

import { PointsmanError } from '../error.js';

export { PointsmanError };
export { explain } from '../explain.js';

/** @type {typeof import('./index.js').createRouter} */
export async function createRouter() {
  throw new PointsmanError('ENGINE', "a Cloudflare Worker has no threads: import createRouter from 'pointsman'");
}
