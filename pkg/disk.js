/** How Node reaches a file: from the disk, by path or file URL; other URLs are fetched. */

import { open as openFile, stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

/** Large enough that few reads are needed, small enough that what waits for its turn costs little. */
const CHUNK_BYTES = 2 ** 19;

/** @type {import('./bytes.js').Open} */
export async function open(src) {
  const url = src instanceof URL ? src : fromString(src);
  if (url.protocol !== 'file:') return fetch(url);
  const { size } = await stat(url);
  // The type is what lets the wasm among these files compile straight from its response.
  return new Response(contentsOf(url), { headers: { 'content-length': `${size}`, 'content-type': 'application/wasm' } });
}

/** A file, opened by the first read: a response that nobody reads leaves nothing to close. */
function contentsOf(url) {
  /** @type {import('node:fs/promises').FileHandle | undefined} */
  let file;
  const close = async () => file?.close();
  return new ReadableStream({
    async pull(controller) {
      try {
        file ??= await openFile(url);
        const { bytesRead, buffer } = await file.read({ buffer: new Uint8Array(CHUNK_BYTES) });
        if (bytesRead > 0) return controller.enqueue(buffer.subarray(0, bytesRead));
      } catch (error) {
        await close();
        throw error;
      }
      await close();
      controller.close();
    },
    cancel: close,
  }, { highWaterMark: 0 });
}

/** A URL where there is a scheme, else a path. One letter and a colon is a Windows drive. */
function fromString(src) {
  return /^[a-z][a-z0-9+.-]+:/i.test(src) ? new URL(src) : pathToFileURL(src);
}
