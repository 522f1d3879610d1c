/** From the place a file is at to its bytes: fetched, counted, and checked against its pin. */

import { PointsmanError, badInput } from './error.js';
import { checkKeys } from './options.js';

/**
 * @typedef {(src: URL | string) => Promise<Response>} Open how a runtime reaches a URL
 * @typedef {(part: string, loaded: number, total: number) => void} Report
 */

/**
 * The bytes of a pinned file. They are hashed before anything parses them.
 *
 * @param {'router' | 'embedder'} part
 * @param {import('./index.js').Pinned} pinned
 * @param {Open} open
 * @param {Report} report
 */
export async function load(part, pinned, open, report) {
  checkKeys(part, pinned);
  const { src, sha256 } = pinned;
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256)) {
    throw badInput(`${part}: sha256 must be 64 hexadecimal digits`);
  }
  const bytes = asBytes(src) ?? await download(part, src, open, report);
  if (sha256 !== undefined) await checkHash(part, bytes, sha256.toLowerCase());
  return bytes;
}

/** A response that has a body to read, or an error that says where it was looked for. */
export async function openOk(part, src, open) {
  if (typeof src !== 'string' && !(src instanceof URL)) {
    throw badInput(`${part}: src must be a URL, a string or bytes`);
  }
  const response = await open(src).catch((cause) => {
    throw new PointsmanError('IO', `${part}: cannot read ${src}: ${cause.message}`, { cause });
  });
  if (!response.ok) {
    throw new PointsmanError('IO', `${part}: ${src} answered ${response.status} ${response.statusText}`.trim());
  }
  return response;
}

async function download(part, src, open, report) {
  const response = await openOk(part, src, open);
  const total = Number(response.headers.get('content-length') ?? 0);
  let loaded = 0;
  report(part, loaded, total);
  const counter = new TransformStream({
    transform(chunk, controller) {
      loaded += chunk.byteLength;
      report(part, loaded, total);
      controller.enqueue(chunk);
    },
  });
  try {
    return new Uint8Array(await new Response(response.body?.pipeThrough(counter)).arrayBuffer());
  } catch (cause) {
    throw new PointsmanError('IO', `${part}: ${src} broke off after ${loaded} bytes`, { cause });
  }
}

/** A view of the caller's own bytes, or undefined where `src` is something else. */
function asBytes(src) {
  if (src instanceof ArrayBuffer) return new Uint8Array(src);
  if (ArrayBuffer.isView(src)) return new Uint8Array(src.buffer, src.byteOffset, src.byteLength);
  return undefined;
}

async function checkHash(part, bytes, expected) {
  if (!globalThis.crypto?.subtle) {
    throw new PointsmanError('ENGINE', `${part}: sha256 cannot be checked here; crypto.subtle needs https or localhost`);
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found !== expected) {
    throw new PointsmanError('MISMATCH', `${part}: its sha256 is ${found}, pinned is ${expected}`);
  }
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
