/** An answer as it is written: every line passes as it came. One that stops halfway ends with an error, not in silence. */

import { joined } from './bytes.js';
import { errorBody } from './errors.js';

/**
 * @param {Response} response
 * @param {{ upstream: import('./config.js').Upstream, limits: { idleMs: number }, path: string }} about
 */
export function watched(response, { limits, path }) {
  const reader = response.body.getReader();
  const [isComplete, lines] = [listening(), new Lines()];
  const body = new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      // A pull that brings nothing is not repeated.
      for (let [bytes, isOver] = [NOTHING, false]; bytes.length === 0 && !isOver;) {
        const { done, value, failed } = await next(reader, limits.idleMs, isComplete);
        isOver = Boolean(done || failed);
        bytes = failed ? new TextEncoder().encode(farewell(path, failed)) : done ? lines.rest : lines.whole(value);
        if (bytes.length > 0) controller.enqueue(bytes);
        if (isOver) end(controller);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
  const headers = new Headers(response.headers);
  for (const name of ['content-encoding', 'content-length', 'set-cookie']) headers.delete(name);
  return new Response(body, { status: response.status, headers });
}

const NOTHING = new Uint8Array();

/** Of a longer line, an isolate's memory does not keep all. */
const LONGEST_LINE = 1e6;

/** Keeps the beginning of a line until its end is there: a client cannot read half an event, nor the error behind it. */
class Lines {
  rest = NOTHING;

  /** All lines that this piece completes. */
  whole(piece) {
    const isLong = this.rest.length + piece.length > LONGEST_LINE;
    const end = isLong ? piece.length : piece.lastIndexOf(0x0a) + 1;
    const whole = end > 0 ? joined(this.rest, piece.subarray(0, end)) : NOTHING;
    this.rest = end > 0 ? piece.slice(end) : joined(this.rest, piece);
    return whole;
  }
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
