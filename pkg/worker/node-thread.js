/** The thread of `pointsman/worker` in Node: worker/node.js starts it. */

import { parentPort } from 'node:worker_threads';
import { createRouter } from '../node.js';
import { serve } from './thread.js';

parentPort?.on('message', (opening) => serve(createRouter, opening));
