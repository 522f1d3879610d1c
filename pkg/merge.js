/** What routers have learned, added up without any router. */

import { badInput } from './error.js';
import { checkKeys } from './options.js';
import { start } from './start.js';

/**
 * @param {import('./core.js').Host} host
 * @returns {typeof import('./index.js').mergeStates}
 */
export function stateMerger(host) {
  return async function mergeStates(states, options = {}) {
    checkKeys('mergeStates', options);
    if (!Array.isArray(states) || !states.every((state) => state instanceof Uint8Array)) {
      throw badInput('states: expected a list of the Uint8Arrays of exportState or drainState');
    }
    const { wasm = undefined } = options;
    const source = wasm === undefined ? host.wasm : () => wasm;
    if (!source) throw badInput('mergeStates: give wasm: pointsman/slim brings no files');
    const instance = await start(host, source);
    return instance.call(() => instance.glue.addStates(states));
  };
}
