/**
 * What of an input crosses into wasm: texts, and nothing else of a chat. Pictures stay behind uncopied,
 * and no object that a caller hangs on a message, however deep, can exhaust the engine's stack.
 */

import { badInput } from './error.js';
import { MOST_PROMPTS, MOST_TEXT, PORTION } from './limits.js';

/**
 * @typedef {string | { role: unknown, content: unknown }[]} Prompt
 *
 * @param {unknown} input
 * @returns {Prompt}
 */
export function readInput(input) {
  const prompt = typeof input === 'string' ? input : readMessages(input);
  if (lengthOf(prompt) > MOST_TEXT) throw badInput(`prompt: it has ${lengthOf(prompt)} bytes; the most is ${MOST_TEXT}`);
  return prompt;
}

/** All prompts of a batch. @param {unknown[]} inputs */
export function readBatch(inputs) {
  if (inputs.length > MOST_PROMPTS) throw badInput(`inputs: ${inputs.length} prompts; give at most ${MOST_PROMPTS} at a time`);
  const prompts = inputs.map(readInput);
  const length = prompts.reduce((sum, prompt) => sum + lengthOf(prompt), 0);
  if (length > MOST_TEXT) throw badInput(`inputs: together they have ${length} bytes; give at most ${MOST_TEXT} at a time`);
  return prompts;
}

/** In portions that fit into memory, however many there are. @param {unknown[]} inputs */
export function* portions(inputs) {
  let portion = [];
  let length = 0;
  for (const prompt of inputs.map(readInput)) {
    const more = lengthOf(prompt);
    if (portion.length === PORTION || length + more > MOST_TEXT) {
      yield portion;
      [portion, length] = [[], 0];
    }
    portion.push(prompt);
    length += more;
  }
  yield portion;
}

/** In UTF-8, as wasm keeps it. @param {Prompt} prompt */
function lengthOf(prompt) {
  const sum = (list, length) => list.reduce((total, item) => total + length(item), 0);
  const lengthIn = (content) => (Array.isArray(content) ? sum(content, (part) => bytesIn(part.text)) : bytesIn(content));
  return typeof prompt === 'string' ? bytesIn(prompt) : sum(prompt, (message) => lengthIn(message.content));
}

/** @param {string | null | undefined} content */
function bytesIn(content) {
  let bytes = content?.length ?? 0;
  for (let i = 0; i < (content?.length ?? 0); i += 1) {
    const unit = /** @type {string} */ (content).charCodeAt(i);
    // Half of a pair, of which two make four bytes, or a unit that makes three.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}

function readMessages(input) {
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
