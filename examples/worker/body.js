/** A request's body: JSON of a limited length, or an answer that says what is wrong with it. */

import { Problem, badInput } from './errors.js';

/** @returns {Promise<{ text: string, body: any }>} the text as it came, and the object that it is */
export async function readBody(request, most) {
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new Problem(415, 'BAD_TYPE', `content-type: expected application/json, not ${type || 'nothing'}`);
  }
  const text = await readText(request, most);
  const body = parse(text);
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw badInput('the body must be a JSON object');
  return { text, body };
}

/** What is too long is not kept: an isolate has 128 MB, and the router some 45 of them. */
async function readText(request, most) {
  const tooLarge = () => new Problem(413, 'TOO_LARGE', `the body is longer than ${most} bytes; send less, or raise MAX_BODY_BYTES`);
  if (Number(request.headers.get('content-length')) > most) throw tooLarge();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let [text, length] = ['', 0];
  for await (const chunk of kept(request)) {
    length += chunk.byteLength;
    if (length > most) throw tooLarge();
    text += decode(decoder, chunk, { stream: true });
  }
  return text + decode(decoder);
}

/** The body's pieces, whose reader may stop and leave the rest to `discard`. */
function kept(request) {
  return request.body?.values({ preventCancel: true }) ?? [];
}

/** The most that is taken in for nothing. */
const DISCARDED_BYTES = 32e6;

/**
 * Takes in what is left of a body that nobody will read, within reason: where much is left, the connection is reset, and the
 * client never hears what was wrong.
 *
 * @param {Request} request
 */
export async function discard(request) {
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > DISCARDED_BYTES) return;
  }
}

function decode(decoder, ...chunk) {
  try {
    return decoder.decode(...chunk);
  } catch {
    throw badInput('the body is not UTF-8');
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch ({ message }) {
    throw badInput(`the body is not JSON: ${message}`);
  }
}
