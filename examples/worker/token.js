/**
 * The name of a decision as the client gets it: the router's receipt, signed. With it, feedback may arrive at any isolate,
 * and nobody can make one up.
 *
 * ```text
 * base64url of: 1 (u8), seconds since 1970 (u32, big-endian), receipt, HMAC-SHA-256 over name of the files and all before
 * ```
 */

import { joined } from './bytes.js';
import { Problem } from './errors.js';

const VERSION = 1;
const HEAD = 5;
const TAG = 32;

/** How long feedback is waited for. The Learner remembers what was redeemed for as long. */
export const TOKEN_DAYS = 7;

/** Signs and checks. */
export class Tokens {
  #key;
  #files;

  /**
   * @param {string} secret
   * @param {string} files what names the router's files: a token of others would teach the wrong thing
   */
  constructor(secret, files) {
    this.#files = new TextEncoder().encode(files);
    this.#key = crypto.subtle.importKey('raw', new TextEncoder().encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
  }

  /** @param {Uint8Array} receipt */
  async issue(receipt, now = Date.now()) {
    const payload = new Uint8Array(HEAD + receipt.length);
    payload[0] = VERSION;
    new DataView(payload.buffer).setUint32(1, now / 1000);
    payload.set(receipt, HEAD);
    const tag = await crypto.subtle.sign('HMAC', await this.#key, joined(this.#files, payload));
    return toBase64(joined(payload, new Uint8Array(tag)));
  }

  /**
   * @param {unknown} token
   * @returns {Promise<{ key: string, receipt: Uint8Array }>} what it is remembered by once redeemed, and what it holds
   */
  async open(token, now = Date.now()) {
    const bytes = fromBase64(token);
    const payload = bytes.slice(0, -TAG);
    const tag = bytes.slice(-TAG);
    const isOurs = payload[0] === VERSION && await crypto.subtle.verify('HMAC', await this.#key, tag, joined(this.#files, payload));
    if (!isOurs) throw forged();
    const issued = 1000 * new DataView(payload.buffer).getUint32(1);
    if (now - issued > TOKEN_DAYS * 86_400_000) throw new Problem(410, 'EXPIRED', `id: feedback is heard for ${TOKEN_DAYS} days after the answer`);
    return { key: toBase64(tag.slice(0, 16)), receipt: payload.slice(HEAD) };
  }
}

function forged() {
  return new Problem(400, 'BAD_TOKEN', 'id: not the x-pointsman-decision of an answer from here, or from before the router’s files were changed');
}

function toBase64(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64(token) {
  if (typeof token !== 'string' || !/^[\w-]{60,8000}$/.test(token)) throw forged();
  try {
    return Uint8Array.from(atob(token.replaceAll('-', '+').replaceAll('_', '/')), (sign) => sign.charCodeAt(0));
  } catch {
    throw forged();
  }
}
