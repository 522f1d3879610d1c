/** What the router on this thread (core.js) and the one on another (worker/client.js) have in common. */

import { badInput } from './error.js';

/**
 * Older browsers lack the symbol; the tools that compile `await using` for them look for this one.
 *
 * @type {typeof Symbol.asyncDispose}
 */
export const asyncDispose = Symbol.asyncDispose ?? /** @type {any} */ (Symbol.for('Symbol.asyncDispose'));

/** What a router answers after its end. */
export function disposed() {
  return badInput('this router was disposed; create a new one');
}

/** Behind each other. @param {Float32Array[]} parts */
export function joined(parts) {
  if (parts.length === 1) return parts[0];
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let end = 0;
  for (const part of parts) {
    whole.set(part, end);
    end += part.length;
  }
  return whole;
}
