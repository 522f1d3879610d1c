/** The embedder file's way into the wasm memory, chunk by chunk: JavaScript holds no copy of the whole. */

import { checkPin, find, sha256 } from './bytes.js';
import { attempt } from './error.js';

/** Room is made at once for at most so much: a length that a server announces is not yet the file's. */
const MOST_RESERVED = 2 ** 28;

/**
 * @typedef {import('./wasm/pointsman.js').FileBytes} FileBytes
 * @typedef {{ file: FileBytes, digest: Uint8Array | undefined }} Poured the file, which the receiver must free, and
 *   the hash of what its seal covers, where the runtime can compute it faster than wasm
 */

/**
 * @param {import('./index.js').Pinned} pinned
 * @param {import('./bytes.js').Way} way
 * @param {typeof import('./wasm/pointsman.js')} glue
 * @param {Promise<WebAssembly.Memory>} starting the memory, once there is an instance
 * @returns {Promise<Poured>}
 */
export async function pour(pinned, way, glue, starting) {
  let started = false;
  starting.then(() => { started = true; }, () => {}); // a failure is met below
  const { expected, chunks } = await find('embedder', pinned, way);
  /** @type {FileBytes | undefined} */
  let file;
  const waiting = [];
  const drain = () => {
    const length = expected || waiting.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    file ??= new glue.FileBytes(Math.min(length, MOST_RESERVED));
    for (const chunk of waiting.splice(0)) file.append(chunk);
    return file;
  };
  try {
    for await (const chunk of chunks) {
      waiting.push(chunk);
      // A file of unknown length waits to the end: wasm memory that grew by doubling would never shrink again.
      if (started && expected > 0) attempt(drain);
    }
    const memory = await starting;
    return await checked(attempt(drain), memory, pinned.sha256);
  } catch (error) {
    file?.free();
    throw error;
  }
}

/** The pin comes first: what is not the pinned file needs no second hash. */
async function checked(file, memory, pin) {
  // A view lasts until the memory grows, which it may at every `await`; hashing takes its copy before.
  const first = (length) => new Uint8Array(memory.buffer, file.address, length);
  await checkPin('embedder', first(file.length), pin);
  return { file, digest: await sha256(first(file.sealedBytes)) };
}
