/** Whether a router file is its signer's: Ed25519 (RFC 8032) over the whole file, as `pointsman sign` makes it. */

import { openOk } from './bytes.js';
import { PointsmanError, badInput } from './error.js';

const LENGTH = 64;

/**
 * Refuses bytes that the given key did not sign.
 *
 * @param {string} part
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {import('./index.js').Signed} signed
 * @param {import('./bytes.js').Open} open
 */
export async function checkSignature(part, bytes, { src, signedBy, signature = beside(part, src) }, open) {
  const key = await publicKey(part, signedBy);
  const found = await read(part, signature, open);
  if (await crypto.subtle.verify('Ed25519', key, found, bytes)) return;
  throw new PointsmanError('MISMATCH', `${part}: its signature is not by ${signedBy}, or the file was changed`);
}

/** Where `pointsman sign` puts it. */
function beside(part, src) {
  if (typeof src !== 'string' && !(src instanceof URL)) throw badInput(`${part}: give signature, too; only a file that has a place has one beside it`);
  const [, path, rest] = /** @type {string[]} */ (/^([^?#]*)(.*)$/s.exec(String(src)));
  return `${path}.sig${rest}`;
}

async function publicKey(part, signedBy) {
  const digits = typeof signedBy === 'string' && /^[0-9a-f]{64}$/i.test(signedBy) ? signedBy.match(/../g) : undefined;
  if (!digits) throw badInput(`${part}: signedBy must be the signer's public key, 64 hexadecimal digits as "pointsman sign" prints them`);
  const raw = Uint8Array.from(digits, (digit) => Number.parseInt(digit, 16));
  try {
    return await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
  } catch (cause) {
    throw new PointsmanError('ENGINE', `${part}: its signature cannot be checked here: ${Object(cause).message}; crypto.subtle needs Ed25519, and https or localhost`, { cause });
  }
}

async function read(part, src, open) {
  const name = `${part}'s signature`;
  const isBytes = src instanceof ArrayBuffer || ArrayBuffer.isView(src);
  const bytes = isBytes ? src : await (await openOk(name, src, open)).arrayBuffer().catch((cause) => {
    throw new PointsmanError('IO', `${name} broke off: ${cause.message}`, { cause });
  });
  if (bytes.byteLength !== LENGTH) throw new PointsmanError('BAD_ARTIFACT', `${name}: ${bytes.byteLength} bytes; it has ${LENGTH}`);
  return bytes;
}
