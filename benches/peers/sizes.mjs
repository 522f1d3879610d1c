/** What went over the wire: code, and the model with its tokenizer. */

import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { fileAt } from './places.mjs';

const CODE = ['.js', '.mjs', '.wasm'];
/** The harness's own files are no peer's. */
const OWN = ['harness', 'data'];
/** Brotli's best level takes minutes for a model, and gains a few percent. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };

/**
 * @param {{ served?: string[], peer: string }[]} samples
 * @returns the bytes of each peer that a browser was served, as they are and compressed
 */
export function sizes(samples, mounts) {
  const known = new Map();
  const measured = (place) => known.get(place) ?? known.set(place, compress(readFileSync(fileAt(mounts, place)))).get(place);
  const found = {};
  for (const { peer, served, error } of samples) {
    if (!served || error || found[peer]) continue;
    const places = served.filter((place) => !OWN.includes(place.split('/')[0]));
    const isCode = (place) => CODE.includes(extname(place));
    found[peer] = {
      code: sum(places.filter(isCode).map(measured)),
      model: sum(places.filter((place) => !isCode(place)).map(measured)),
    };
  }
  return found;
}

function compress(bytes) {
  return { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes, BROTLI).length };
}

function sum(parts) {
  const total = { raw: 0, gzip: 0, brotli: 0 };
  for (const part of parts) for (const key of Object.keys(total)) total[key] += part[key];
  return total;
}
