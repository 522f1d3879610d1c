/** The Web Worker of `pointsman/worker`: worker/browser.js starts it. */

import { createRouter } from '../browser.js';
import { serve } from './thread.js';

addEventListener('message', ({ data }) => serve(createRouter, data), { once: true });
