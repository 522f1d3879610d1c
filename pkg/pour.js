/** The embedder file's way into the wasm memory, chunk by chunk: JavaScript holds no copy of the whole. */

import { checkPin, find, sha256 } from './bytes.js';

/**
 * @typedef {InstanceType<import('./start.js').Glue['FileBytes']>} FileBytes
 *
 * @typedef {object} Poured
 * @property {import('./start.js').Instance} instance
 * @property {FileBytes} file which the receiver must free
 * @property {Uint8Array | undefined} digest the hash of what its seal covers, where the runtime can compute it faster
 *   than wasm
 */

/**
 * @param {import('./index.js').Pinned} pinned
 * @param {import('./bytes.js').Way} way
 * @param {Promise<import('./start.js').Instance>} starting
 * @returns {Promise<Poured>}
 */
export async function pour(pinned, way, starting) {
  /** @type {import('./start.js').Instance | undefined} */
  let started;
  starting.then((instance) => { started = instance; }, () => {}); // a failure is met below
  const { expected, chunks } = await find('embedder', pinned, way);
  /** @type {FileBytes | undefined} */
  let file;
  const waiting = [];
  /** @param {import('./start.js').Instance} instance */
  const drain = (instance) => instance.call(() => {
    const length = expected || waiting.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    const into = file ??= new instance.glue.FileBytes(length);
    for (const chunk of waiting.splice(0)) into.append(chunk);
    return into;
  });
  try {
    for await (const chunk of chunks) {
      waiting.push(chunk);
      // A file of unknown length waits to the end: wasm memory that grew by doubling would never shrink again.
      if (started && expected > 0) drain(started);
    }
    const instance = await starting;
    return { instance, ...await checked(drain(instance), instance.memory, pinned.sha256) };
  } catch (error) {
    if (file) started?.release(file);
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
