/** pointsman on a Web Worker of its own, so that a page never waits for it. */

import { PointsmanError } from '../error.js';
import { workerFactory } from './client.js';

export { PointsmanError };

export const createRouter = /* @__PURE__ */ workerFactory({ start, locate });

/** @type {import('./line.js').Start} */
function start(port, failed) {
  if (typeof Worker === 'undefined') {
    throw new PointsmanError('ENGINE', "there are no Web Workers here: import createRouter from 'pointsman'");
  }
  // Bundlers look for exactly this expression.
  const worker = new Worker(new URL('./browser-thread.js', import.meta.url), { type: 'module' });
  worker.addEventListener('error', (event) => {
    event.preventDefault(); // whoever waits is told
    failed(event.message || 'its script cannot be loaded');
  });
  // Where an engine knows this event, it tells even of a worker that the browser has killed.
  port.addEventListener('close', () => failed('it closed'));
  return {
    open: (opening, moved) => worker.postMessage(opening, moved),
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
