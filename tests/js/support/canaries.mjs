/** Finds planted words in what a router hands out, in whatever form they might be there. */

import { CANARIES } from './blank/exercise.js';

/** Hexadecimal digits, several in a row with spaces between. */
const BYTES = /^[0-9a-f ]+$/;

/**
 * @param {Record<string, string>} given texts as they are, bytes in hexadecimal digits
 * @returns {string[]} what was found where
 */
export function canariesIn(given) {
  return Object.entries(given).flatMap(([place, content]) => {
    const heaps = BYTES.test(content) ? [Buffer.from(content.replaceAll(' ', ''), 'hex')] : [Buffer.from(content)];
    const found = (words) => formsOf(words).filter(([, bytes]) => heaps.some((heap) => heap.includes(bytes)));
    return Object.entries(CANARIES).flatMap(([name, words]) => found(words).map(([form]) => `${name} in ${place} as ${form}`));
  });
}

/** A word and each of its parts, since a tokenizer cuts and lowers; in every encoding that text is kept in. */
export function formsOf(words) {
  const spoken = [words, ...words.split(/[ -]/).filter((part) => part.length > 5)];
  const cased = spoken.flatMap((text) => [text, text.toLowerCase(), text.toUpperCase()]);
  return cased.flatMap((text) => {
    const bytes = Buffer.from(text);
    const wide = Buffer.from(text, 'utf16le');
    const digits = bytes.toString('hex');
    return /** @type {[string, Buffer][]} */ ([
      ['UTF-8', bytes],
      ['UTF-16', wide],
      ['UTF-16 BE', Buffer.from(wide).swap16()],
      ['UTF-32', Buffer.from(Uint32Array.from(text, (letter) => letter.codePointAt(0)).buffer)],
      ['hexadecimal digits', Buffer.from(digits)],
      ['HEXADECIMAL DIGITS', Buffer.from(digits.toUpperCase())],
      ['percent signs', Buffer.from(encodeURIComponent(text))],
      ['reversed', Buffer.from([...bytes].reverse())],
      ...[0, 1, 2].flatMap((before) => ['base64', 'base64url'].map((form) => [form, Buffer.from(inside(bytes, before, form))])),
    ]);
  });
}

/** What base64 makes of these bytes after others: the digits that depend on nothing else. */
function inside(bytes, before, form) {
  const digits = Buffer.concat([Buffer.alloc(before), bytes]).toString(form);
  return digits.slice(Math.ceil((8 * before) / 6), Math.floor((8 * (before + bytes.length)) / 6));
}
