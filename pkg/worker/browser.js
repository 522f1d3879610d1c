/** pointsman on a Web Worker of its own, so that a page never waits for it. */

import { PointsmanError } from '../error.js';
import { workerFactory } from './client.js';

export { PointsmanError };
export { explain } from '../explain.js';

export const createRouter = /* @__PURE__ */ workerFactory({ start, locate });

/** @type {import('./line.js').Start} */
function start(failed) {
  if (typeof Worker === 'undefined') {
    throw new PointsmanError('ENGINE', "there are no Web Workers here: import createRouter from 'pointsman'");
  }
  // Bundlers look for exactly this expression.
  const worker = new Worker(new URL('./browser-thread.js', import.meta.url), { type: 'module' });
  worker.addEventListener('error', (event) => {
    event.preventDefault(); // whoever waits is told
    failed(event.message || 'its script cannot be loaded');
  });
  // No event tells of a worker that the browser has killed, but whoever waits for a lock of a dead one gets it.
  const lock = `pointsman-${crypto.getRandomValues(new BigUint64Array(1))[0]}`;
  worker.addEventListener('message', () => navigator.locks.request(lock, () => failed('it was killed')));
  return {
    open: (opening, moved) => worker.postMessage({ opening, lock }, moved),
    stop: () => worker.terminate(),
    hold() {},
  };
}

/** A worker's own address is not the page's, from which the caller counts. */
function locate(src) {
  try {
    return new URL(src, globalThis.document?.baseURI ?? globalThis.location.href).href;
  } catch {
    return src; // the thread says what is wrong with it
  }
}
