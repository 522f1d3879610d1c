/**
 * What of an input crosses into wasm: texts, and nothing else of a chat. Pictures stay behind uncopied,
 * and no object that a caller hangs on a message, however deep, can exhaust the engine's stack.
 */

import { badInput } from './error.js';

/**
 * @param {unknown} input
 * @returns {string | { role: unknown, content: unknown }[]}
 */
export function readInput(input) {
  if (typeof input === 'string') return input;
  if (!Array.isArray(input)) throw badInput('prompt: expected a text, or a list of messages with role and content');
  return input.map((message) => {
    const { role, content } = object(message, 'a message');
    if (typeof role !== 'string') throw badInput('prompt: the role of a message must be a text');
    return { role, content: readContent(content) };
  });
}

/** A list of texts or chats, as opposed to one chat, which is a list of messages. */
export function isBatch(input) {
  return Array.isArray(input) && input.every((item) => typeof item === 'string' || Array.isArray(item));
}

function readContent(content) {
  if (Array.isArray(content)) return content.map((part) => ({ text: text(object(part, 'a part of a message').text) }));
  return text(content);
}

function text(value) {
  if (value === undefined || value === null || typeof value === 'string') return value;
  throw badInput('prompt: the content of a message must be a text or a list of parts with a text');
}

function object(value, what) {
  if (value !== null && typeof value === 'object') return value;
  throw badInput(`prompt: ${what} must be an object`);
}
