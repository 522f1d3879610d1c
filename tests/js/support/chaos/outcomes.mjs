/** How a request ended, in a word: whatever has no word of its own is `untyped`, and wrong. */

import OpenAI from 'openai';
import { PointsmanError } from '../../../../pkg/node.js';

/** The Worker's own codes, for what its upstreams did. */
export const UPSTREAM = { UPSTREAM_TIMEOUT: 'timeout', UPSTREAM_BROKEN: 'broken', UPSTREAM_STATUS: 'status', UPSTREAM_AUTH: 'status', stub: 'status' };

/** What Node's `fetch` throws where a connection breaks, and what JSON.parse says of what is cut. */
const CONNECTION = /^(terminated|fetch failed)$/;

/**
 * The kind of an answer: the right one, or none.
 *
 * @param {() => string} read
 * @param {string} expected
 */
export function reading(read, expected) {
  try {
    const text = read();
    if (text === expected) return { kind: 'answer' };
    return /^the answer to request/.test(text) ? { kind: 'wrong answer', label: `${text} in place of ${expected}` } : { kind: 'odd' };
  } catch (error) {
    return { kind: error instanceof SyntaxError ? 'broken' : 'odd', label: error instanceof SyntaxError ? 'no JSON' : '' };
  }
}

/**
 * The kind of an answer of OpenAI's protocol that says what is wrong.
 *
 * @param {any} body
 * @param {number} [status] given by the Worker, whose every error has a code
 */
export function refusedBy({ error }, status = 400) {
  const isTyped = typeof error?.code === 'string' && typeof error.message === 'string' && status >= 400;
  if (!isTyped || error.code === 'INTERNAL') return { kind: 'untyped', label: `${status} ${JSON.stringify(error)}` };
  return { kind: UPSTREAM[error.code] ?? 'refused', label: error.code, detail: error.message };
}

/**
 * The kind of what was thrown.
 *
 * @param {any} error
 * @param {false | string} given why the caller itself gave up, if it did
 */
export function brokenBy(error, given) {
  if (error instanceof PointsmanError) return { kind: 'refused', label: error.code };
  if (given) return { kind: given };
  if (error instanceof OpenAI.APIError) return byClient(error);
  if (`${error?.name}`.startsWith('AI_')) return bySdk(error);
  if (error instanceof SyntaxError) return { kind: 'broken', label: 'no JSON' };
  if (error.isFromProvider) return { kind: 'refused', label: 'by the provider' };
  if (`${error?.stack}`.split('\n')[1]?.includes('/node_modules/openai/')) return { kind: 'odd', label: 'the client falls over it' };
  if (error instanceof TypeError && CONNECTION.test(error.message)) return { kind: 'broken', label: `${error.message} ${error.cause?.code ?? ''} ${error.cause?.message ?? ''}`.trim() };
  return { kind: 'untyped', label: `${error?.stack ?? error}` };
}

function byClient(error) {
  if (error.headers?.has('x-pointsman-error')) return { kind: 'refused', label: `${error.code}` };
  return error.status ? { kind: 'status', label: `${error.status}` } : { kind: 'broken', label: error.constructor.name };
}

function bySdk(error) {
  if (/^AI_Invalid(Prompt|Argument|MessageRole)Error$/.test(error.name)) return { kind: 'refused', label: error.name };
  const failed = error.statusCode >= 300;
  return failed ? { kind: 'status', label: `${error.statusCode}` } : { kind: 'broken', label: error.name };
}
