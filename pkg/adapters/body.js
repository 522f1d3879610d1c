/** The body of an OpenAI-compatible request: read from whatever `fetch` takes, and changed in one place only. */

/**
 * The first argument of `fetch`, where it is a Request; another implementation's is one too.
 *
 * @param {any} input
 * @returns {Request | undefined}
 */
export function asRequest(input) {
  return typeof input?.clone === 'function' ? input : undefined;
}

/**
 * The body of a POST, where it is a text. A Request is read from a copy, so that it can still be sent.
 *
 * @param {string | URL | Request} input
 * @param {RequestInit} [init]
 * @returns {Promise<string | undefined>}
 */
export async function bodyText(input, init) {
  const request = asRequest(input);
  if ((init?.method ?? request?.method)?.toUpperCase() !== 'POST') return undefined;
  const body = init?.body ?? undefined;
  if (body !== undefined) return typeof body === 'string' ? body : undefined;
  return request?.bodyUsed === false ? request.clone().text() : undefined;
}

/**
 * The object that a text is as JSON, or nothing.
 *
 * @param {string | undefined} text
 */
export function parsed(text = '') {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === 'object' ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The text of a JSON object with another value for its own key `model`, which is a string. Everything else stays as it
 * was written: numbers that JavaScript cannot hold are not rounded, and a large picture is not written anew.
 *
 * @param {string} text
 * @param {string} model
 */
export function withModel(text, model) {
  const value = JSON.stringify(model);
  let [written, from, depth, key, inValue] = ['', 0, 0, '', false];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === '{' || sign === '[') depth += 1;
    if (sign === '}' || sign === ']') depth -= 1;
    if (depth === 1 && (sign === ':' || sign === ',')) inValue = sign === ':';
    if (sign !== '"') continue;
    const end = endOfString(text, at);
    if (depth === 1 && !inValue) key = JSON.parse(text.slice(at, end));
    if (depth === 1 && inValue && key === 'model') {
      written += text.slice(from, at) + value;
      from = end;
    }
    at = end - 1;
  }
  return written + text.slice(from);
}

/** Where the string that begins at a quotation mark has ended. */
function endOfString(text, start) {
  let end = start;
  do end = text.indexOf('"', end + 1);
  while (isEscaped(text, end));
  return end + 1;
}

function isEscaped(text, at) {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}
