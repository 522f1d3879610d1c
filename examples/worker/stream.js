/** An answer as it is written: every byte passes as it came. One that stops halfway ends with an error, not in silence. */

import { errorBody } from './errors.js';

/**
 * @param {Response} response
 * @param {{ upstream: import('./config.js').Upstream, limits: { idleMs: number }, path: string }} about
 */
export function watched(response, { limits, path }) {
  const reader = response.body.getReader();
  const body = new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const { done, value, failed } = await next(reader, limits.idleMs);
      if (failed) controller.enqueue(new TextEncoder().encode(farewell(path, failed)));
      else if (!done) controller.enqueue(value);
      if (failed || done) end(controller);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  const headers = new Headers(response.headers);
  for (const name of ['content-encoding', 'content-length', 'set-cookie']) headers.delete(name);
  return new Response(body, { status: response.status, headers });
}

/** A reader of a byte stream may have brought its own buffer, which is then given back empty. */
function end(controller) {
  controller.close();
  controller.byobRequest?.respond(0);
}

/** The next piece, or how it failed. */
async function next(reader, idleMs) {
  let timer;
  const idle = new Promise((resolve) => {
    timer = setTimeout(() => resolve({ failed: ['UPSTREAM_TIMEOUT', `the upstream fell silent for ${idleMs / 1000} s`] }), idleMs);
  });
  const broken = ({ message }) => ({ failed: ['UPSTREAM_BROKEN', `the upstream broke off: ${message}`] });
  const piece = await Promise.race([reader.read().catch(broken), idle]).finally(() => clearTimeout(timer));
  if (piece.failed) reader.cancel().catch(() => {});
  return piece;
}

/** The last event of a stream, as each of the two protocols writes an error. */
function farewell(path, [code, message]) {
  if (path.endsWith('/responses')) return `\n\nevent: error\ndata: ${JSON.stringify({ type: 'error', code, message, param: null })}\n\n`;
  return `\n\ndata: ${JSON.stringify({ error: errorBody(502, code, message) })}\n\n`;
}
