/** An answer as it is written: every byte passes as it came. One that stops halfway ends with an error, not in silence. */

import { errorBody } from './errors.js';

/**
 * @param {Response} response
 * @param {{ upstream: import('./config.js').Upstream, limits: { idleMs: number }, path: string }} about
 */
export function watched(response, { limits, path }) {
  const reader = response.body.getReader();
  const isComplete = listening();
  const body = new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const { done, value, failed } = await next(reader, limits.idleMs, isComplete);
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

/** How a stream says that this was all: OpenAI's last line, a choice's reason to stop, a response's last event, an error. */
const LAST = /(^|\n)data: ?\[DONE\]|"finish_reason" ?: ?"|"type" ?: ?"(response\.(completed|incomplete|failed)|error)"|(^|\n)data: ?\{"error"/;
const LONGEST_LAST = 64;

/** Takes the pieces of a stream and tells after each, and at the end, whether the stream has said that this was all. */
function listening() {
  const decoder = new TextDecoder();
  let [heard, isComplete] = ['', false];
  return (piece) => {
    if (isComplete || !piece) return isComplete;
    heard += decoder.decode(piece, { stream: true });
    isComplete = LAST.test(heard);
    heard = heard.slice(-LONGEST_LAST);
    return isComplete;
  };
}

/** The next piece, or how it failed: a connection that is closed in good order has not said that there is no more. */
async function next(reader, idleMs, isComplete) {
  let timer;
  const idle = new Promise((resolve) => {
    timer = setTimeout(() => resolve({ failed: ['UPSTREAM_TIMEOUT', `the upstream fell silent for ${idleMs / 1000} s`] }), idleMs);
  });
  const broken = ({ message }) => ({ failed: ['UPSTREAM_BROKEN', `the upstream broke off: ${message}`] });
  const piece = await Promise.race([reader.read().catch(broken), idle]).finally(() => clearTimeout(timer));
  if (piece.failed) reader.cancel().catch(() => {});
  if (!isComplete(piece.value) && piece.done) return { failed: ['UPSTREAM_BROKEN', 'the upstream ended its stream before its answer was complete'] };
  return piece;
}

/** The last event of a stream, as each of the two protocols writes an error. */
function farewell(path, [code, message]) {
  if (path.endsWith('/responses')) return `\n\nevent: error\ndata: ${JSON.stringify({ type: 'error', code, message, param: null })}\n\n`;
  return `\n\ndata: ${JSON.stringify({ error: errorBody(502, code, message) })}\n\n`;
}
