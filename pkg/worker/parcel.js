/** What the options of `createRouter` become on their way to a thread: bytes are moved, places are made absolute. */

import { openOk } from '../bytes.js';
import { PointsmanError } from '../error.js';
import { checkKeys } from '../options.js';
import { movable } from './wire.js';

/**
 * @param {import('../index.js').RouterOptions} options
 * @param {(src: string) => string} locate what a string says, seen from this thread, as one that any thread understands
 * @returns {Promise<{ options: object, moved: Transferable[] }>}
 */
export async function parcel(options, locate) {
  const packed = { ...options };
  const moved = [];
  const pack = async (part, src) => {
    const sent = await sendable(part, src, locate);
    if (ArrayBuffer.isView(sent)) moved.push(sent.buffer);
    return sent;
  };
  /** @param {any} from @param {any} to */
  const packFiles = async (from, to) => {
    for (const part of /** @type {const} */ (['router', 'embedder'])) {
      const pinned = from[part];
      if (pinned === undefined || pinned === null) continue;
      checkKeys(part, pinned);
      to[part] = { ...pinned, src: await pack(part, pinned.src) };
      if (pinned.signature !== undefined) to[part].signature = await pack(`${part}'s signature`, pinned.signature);
    }
  };
  await packFiles(options, packed);
  if (options.static !== undefined) {
    checkKeys('static', options.static);
    packed.static = { ...options.static };
    await packFiles(options.static, packed.static);
  }
  const { wasm } = options;
  const isPinned = Object(wasm).src !== undefined;
  packed.wasm = isPinned ? { .../** @type {any} */ (wasm), src: await pack('wasm', /** @type {any} */ (wasm).src) } : await pack('wasm', wasm);
  return { options: packed, moved };
}

/** What is none of these goes as it is: a compiled module can, and of the rest the thread says what is wrong with it. */
async function sendable(part, src, locate) {
  if (typeof src === 'string') return locate(src);
  if (src instanceof URL) return src.href;
  if (src instanceof Response) return movable(await bytesOf(part, src));
  if (src instanceof ArrayBuffer || ArrayBuffer.isView(src)) return movable(src);
  return src;
}

/** A response is tied to its thread, so it is read here. */
async function bytesOf(part, response) {
  const { url } = await openOk(part, response);
  return response.arrayBuffer().catch((cause) => {
    throw new PointsmanError('IO', `${part}: ${url || 'the response'} broke off: ${cause.message}`, { cause });
  });
}
