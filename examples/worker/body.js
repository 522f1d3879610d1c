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

/** What is too long is not read to its end: an isolate has 128 MB, and the router some 45 of them. */
async function readText(request, most) {
  const tooLarge = () => new Problem(413, 'TOO_LARGE', `the body is longer than ${most} bytes; send less, or raise MAX_BODY_BYTES`);
  if (Number(request.headers.get('content-length')) > most) throw tooLarge();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let [text, length] = ['', 0];
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > most) throw tooLarge();
    text += decode(decoder, chunk, { stream: true });
  }
  return text + decode(decoder);
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
