/** pointsman on a thread of its own in Node, so that the event loop never waits for it. */

import { Worker } from 'node:worker_threads';
import { workerFactory } from './client.js';

export { PointsmanError } from '../error.js';
export { explain } from '../explain.js';

export const createRouter = /* @__PURE__ */ workerFactory({ start, locate: (src) => src });

/**
 * @param {(why: string) => void} failed
 * @param {any} port Node's ports have more methods than the page's
 * @returns {import('./line.js').Thread}
 */
function start(failed, port) {
  const worker = new Worker(new URL('./node-thread.js', import.meta.url));
  worker.on('error', (error) => failed(String(Object(error).message ?? error)));
  worker.on('exit', (code) => failed(`it exited with ${code}`));
  return {
    open: (opening, moved) => worker.postMessage(opening, /** @type {any} */ (moved)),
    stop() {
      worker.ref(); // or the process could end first, and with it whoever waits for this
      return worker.terminate();
    },
    // A router that nobody waits for keeps no process alive; that is so on one thread, too.
    hold(busy) {
      for (const end of [worker, port]) busy ? end.ref() : end.unref();
    },
  };
}
