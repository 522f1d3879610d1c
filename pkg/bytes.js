/** From the place a file is at to its bytes: fetched chunk by chunk, counted, and checked against its pin. */

import { PointsmanError, badInput } from './error.js';
import { MOST_BYTES } from './limits.js';
import { checkKeys } from './options.js';
import { checkSignature } from './signature.js';

/**
 * @typedef {(src: URL | string) => Promise<Response>} Open how a runtime reaches a URL
 * @typedef {(part: string, loaded: number, total: number) => void} Report
 *
 * @typedef {object} Way how files get here
 * @property {Open} open
 * @property {Report} report
 * @property {AbortSignal} [signal] where it is aborted, nobody wants the files any more
 *
 * @typedef {object} Source a file, not yet read
 * @property {number} expected its length in bytes, or 0 where nothing tells
 * @property {Iterable<Uint8Array> | AsyncIterable<Uint8Array>} chunks
 */

/**
 * The bytes of a pinned or signed file. They are checked before anything parses them.
 *
 * @param {'router' | 'wasm'} part
 * @param {import('./index.js').Signed} pinned
 * @param {Way} way
 */
export async function load(part, pinned, way) {
  const { chunks } = await find(part, pinned, way);
  const list = [];
  for await (const chunk of chunks) list.push(chunk);
  const bytes = join(list);
  await checkPin(part, bytes, pinned.sha256);
  if (pinned.signedBy !== undefined) await checkSignature(part, bytes, pinned, way.open);
  return bytes;
}

/**
 * Opens a pinned file; its chunks come as they are read.
 *
 * @param {'router' | 'embedder' | 'wasm'} part
 * @param {import('./index.js').Pinned} pinned
 * @param {Way} way
 * @returns {Promise<Source>}
 */
export async function find(part, pinned, { open, report, signal }) {
  checkKeys(part, pinned);
  const { src, sha256 } = pinned;
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256)) {
    throw badInput(`${part}: sha256 must be 64 hexadecimal digits`);
  }
  const bytes = asBytes(src);
  const fits = (length) => {
    if (length > MOST_BYTES[part]) throw badInput(`${part}: ${length} bytes are more than the ${MOST_BYTES[part]} that such a file may have`);
  };
  if (bytes) {
    fits(bytes.length);
    return { expected: bytes.length, chunks: [bytes] };
  }
  const response = await openOk(part, src, open);
  const total = Number(response.headers.get('content-length') ?? 0);
  fits(total);
  report(part, 0, total);
  const failed = (loaded, cause) => (
    new PointsmanError('IO', `${part}: ${nameOf(src)} broke off after ${loaded} bytes: ${cause.message}`, { cause })
  );
  return {
    // What is compressed on its way is longer than announced.
    expected: response.headers.has('content-encoding') ? 0 : total,
    chunks: read(response, { signal, failed, count: (loaded) => { fits(loaded); report(part, loaded, total); } }),
  };
}

/** A response that has a body to read, or an error that says where it was looked for. */
export async function openOk(part, src, open) {
  const response = src instanceof Response ? src : await openUrl(part, src, open);
  if (response.bodyUsed) throw badInput(`${part}: the response was read before; give one for each router`);
  if (!response.ok) {
    throw new PointsmanError('IO', `${part}: ${nameOf(src)} answered ${response.status} ${response.statusText}`.trim());
  }
  return response;
}

async function openUrl(part, src, open) {
  if (typeof src !== 'string' && !(src instanceof URL)) {
    throw badInput(`${part}: src must be a URL, a string, a Response or bytes`);
  }
  return open(src).catch((cause) => {
    throw new PointsmanError('IO', `${part}: cannot read ${src}: ${cause.message}`, { cause });
  });
}

/** What an error calls a file. A response that was not fetched has no URL. */
function nameOf(src) {
  return src instanceof Response ? src.url || 'the response' : src;
}

/** The chunks of a body. However its reader leaves, the transfer ends. */
async function* read({ body }, { signal, failed, count }) {
  if (!body) return;
  const reader = body.getReader();
  const stop = () => void reader.cancel(signal?.reason).catch(() => {}); // the transfer had failed by itself
  signal?.addEventListener('abort', stop);
  let loaded = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause) => { throw failed(loaded, cause); });
      signal?.throwIfAborted();
      if (done) return;
      loaded += value.byteLength;
      count(loaded);
      yield value;
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
  }
}

/** A view of the caller's own bytes, or undefined where `src` is something else. */
function asBytes(src) {
  if (src instanceof ArrayBuffer) return new Uint8Array(src);
  if (ArrayBuffer.isView(src)) return new Uint8Array(src.buffer, src.byteOffset, src.byteLength);
  return undefined;
}

function join(chunks) {
  if (chunks.length === 1) return chunks[0];
  const whole = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.byteLength, 0));
  let end = 0;
  for (const chunk of chunks) {
    whole.set(chunk, end);
    end += chunk.byteLength;
  }
  return whole;
}

/** Refuses bytes whose SHA-256 is not the one that was pinned, if one was. */
export async function checkPin(part, bytes, pin) {
  if (pin === undefined) return;
  const digest = await sha256(bytes);
  if (!digest) {
    throw new PointsmanError('ENGINE', `${part}: sha256 cannot be checked here; crypto.subtle needs https or localhost`);
  }
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found !== pin.toLowerCase()) {
    throw new PointsmanError('MISMATCH', `${part}: its sha256 is ${found}, pinned is ${pin.toLowerCase()}`);
  }
}

/** The hash of these bytes as they are now, or undefined where the runtime has no way to compute it. */
export async function sha256(bytes) {
  const subtle = globalThis.crypto?.subtle;
  return subtle && new Uint8Array(await subtle.digest('SHA-256', bytes));
}

/**
 * One progress callback for all files together. A total stays a lower bound until every
 * file has announced its length, and a compressed transfer can announce too little.
 *
 * @param {((progress: { loaded: number, total: number }) => void) | undefined} onProgress
 * @returns {Report}
 */
export function progress(onProgress) {
  if (!onProgress) return () => {};
  const parts = new Map();
  return (part, loaded, total) => {
    parts.set(part, { loaded, total: Math.max(loaded, total) });
    const sum = (key) => [...parts.values()].reduce((all, file) => all + file[key], 0);
    onProgress({ loaded: sum('loaded'), total: sum('total') });
  };
}
