/** The Web Worker of `pointsman/worker`: worker/browser.js starts it. */

import { createRouter } from '../browser.js';
import { serve } from './thread.js';

addEventListener('message', ({ data: { opening, lock } }) => {
  // Held for life; the message says that it is. There are none without https, nor in a sandboxed frame.
  navigator.locks?.request(lock, () => {
    postMessage(undefined);
    return new Promise(() => {});
  }).catch(() => {});
  serve(createRouter, opening);
}, { once: true });
