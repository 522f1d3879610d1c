/**
 * The far end of a router: answers calls, one after the other as they came. This file knows no runtime: an entry
 * (browser-thread.js, node-thread.js) receives the opening and says which `createRouter` to use.
 */

import { OPENING, describe } from './wire.js';

/**
 * @param {typeof import('../index.js').createRouter} createRouter
 * @param {import('./wire.js').Opening} opening
 */
export async function serve(createRouter, { port, options, reports }) {
  const onProgress = reports ? (progress) => port.postMessage({ progress }) : undefined;
  try {
    const onTier = (tier) => port.postMessage({ tier });
    const router = await createRouter({ ...options, onProgress, onTier });
    answerCalls(router, port);
    port.postMessage({ id: OPENING, value: router.candidates });
  } catch (error) {
    port.postMessage({ id: OPENING, error: describe(error) });
  }
}

/** Calls wait a turn before they run: the word that one of them is not wanted any more may be right behind it. */
function answerCalls(router, port) {
  const waiting = new Map();
  const turn = new MessageChannel();
  port.onmessage = ({ data }) => {
    if ('abort' in data) {
      // The caller has its reason already; it learns that nothing more will come. A call that ran was answered.
      if (waiting.delete(data.abort)) port.postMessage({ id: data.abort, skipped: true });
      return;
    }
    waiting.set(data.id, data);
    turn.port2.postMessage(undefined);
  };
  turn.port1.onmessage = () => {
    const [call] = waiting.values();
    if (!call) return; // an aborted one left its turn over
    waiting.delete(call.id);
    answer(router, port, call);
  };
  port.addEventListener('close', () => turn.port1.close());
}

async function answer(router, port, { id, method, args, reports }) {
  const heard = reports ? [{ onProgress: (done) => port.postMessage({ of: id, done }) }] : [];
  try {
    const value = sendable(await router[method](...args, ...heard));
    // A result has its memory for itself: what is moved away, nobody misses.
    port.postMessage({ id, value }, ArrayBuffer.isView(value) ? [value.buffer] : []);
  } catch (error) {
    port.postMessage({ id, error: describe(error) });
  }
}

/** Of all results, only the errors in a decision and in `stats` cannot cross as they are. */
function sendable(value) {
  const errors = ['error', 'upgradeError', 'lastFault'].filter((key) => value?.[key] !== undefined);
  return errors.length === 0 ? value : Object.assign({ ...value }, ...errors.map((key) => ({ [key]: describe(value[key]) })));
}
