/** What crosses between two threads: errors as plain data, since a copied error loses its class and its code. */

import { PointsmanError, fromEngine } from '../error.js';

/**
 * @typedef {{ code: string, message: string, cause?: string }} Described
 *
 * @typedef {object} Opening the first message to a thread
 * @property {MessagePort} port where its router is called
 * @property {object} options of its `createRouter`, without the callbacks
 * @property {boolean} reports whether loading is to be reported
 *
 * @typedef {{ id: number, method: string, args: unknown[], reports: boolean } | { abort: number }} ToThread a call,
 *   and whether its progress is to be reported, or the end of interest in one
 * @typedef {{ id: number, value?: any, error?: Described, skipped?: boolean }} Answer what came of a call; `skipped`
 *   where it was aborted before its turn
 * @typedef {Answer | { of: number, done: { done: number, total: number } } | { progress: import('../index.js').Progress }
 *   | { tier: import('../index.js').Tier }} FromThread
 */

/** The id of the answer to an opening. Calls are numbered from the next on. */
export const OPENING = 0;

/**
 * @param {unknown} thrown
 * @returns {Described}
 */
export function describe(thrown) {
  const { code, message, cause } = thrown instanceof PointsmanError ? thrown : fromEngine(thrown);
  return { code, message, cause: cause === undefined ? undefined : String(Object(cause).stack ?? cause) };
}

/** @param {Described} described */
export function revive({ code, message, cause }) {
  return new PointsmanError(code, message, cause === undefined ? undefined : { cause });
}

/**
 * Bytes that can be moved to another thread: those given, where they are all of their memory; else a copy, because
 * what lies beside them in the same memory is not ours to take.
 *
 * @param {ArrayBuffer | ArrayBufferView} bytes
 * @returns {ArrayBufferView<ArrayBuffer>}
 */
export function movable(bytes) {
  const view = ArrayBuffer.isView(bytes) ? bytes : new Uint8Array(bytes);
  const { buffer, byteOffset, byteLength } = view;
  const isWhole = buffer instanceof ArrayBuffer && byteLength === buffer.byteLength;
  return /** @type {ArrayBufferView<ArrayBuffer>} */ (isWhole ? view : new Uint8Array(buffer, byteOffset, byteLength).slice());
}
