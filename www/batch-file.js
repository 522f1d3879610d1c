/** A pasted or dropped file becomes prompts, and a plan becomes a file. Nothing is dropped without a word. */

import { count, megabytes } from './figures.js';

/** A page holds scores of every candidate for every prompt; beyond this, Node is the better place. */
export const MOST_PROMPTS = 20_000;
export const MOST_BYTES = 50_000_000;

/**
 * One prompt a line; or where the first line is an object, JSON lines with `prompt`.
 *
 * @param {string} text
 * @returns {{ prompts: string[], empty: number }} and how many empty lines were passed over
 * @throws {Error} what to change
 */
export function readPrompts(text) {
  const lines = text.split(/\r?\n/).map((line, i) => ({ line: line.trim(), number: i + 1 }));
  if (lines.at(-1).line === '') lines.pop(); // the end of the last line
  const full = lines.filter(({ line }) => line !== '');
  if (full.length === 0) throw refusal('There is no prompt yet: paste some, one on each line, or choose a file.');
  if (full.length > MOST_PROMPTS) {
    throw refusal(`${count(full.length)} prompts are more than the ${count(MOST_PROMPTS)} that this page plans at once. `
      + 'Split the file, or plan it in Node with router.assign.');
  }
  const prompts = full[0].line.startsWith('{') ? full.map(promptOf) : full.map(({ line }) => line);
  return { prompts, empty: lines.length - full.length };
}

/** @param {File} file */
export async function readFile(file) {
  if (file.size <= MOST_BYTES) return file.text();
  throw refusal(`${file.name} has ${megabytes(file.size)} MB; this page reads up to ${megabytes(MOST_BYTES)} MB. Split it.`);
}

function promptOf({ line, number }) {
  let parsed;
  try {
    parsed = JSON.parse(line);
  } catch {
    throw refusal(`Line ${number} is no valid JSON. The first line is an object, so every line must be one.`);
  }
  if (typeof parsed?.prompt === 'string' && parsed.prompt.trim() !== '') return parsed.prompt;
  throw refusal(`Line ${number} has no "prompt" with text in it. Each line must be an object such as {"prompt": "..."}.`);
}

function refusal(message) {
  return Object.assign(new Error(message), { name: 'Not planned' });
}

/** @typedef {{ prompt: string, model: string, usd: number, quality: number }} Planned */

/** @param {Planned[]} plan */
export function csvOf(plan) {
  const lines = plan.map(({ prompt, model, usd, quality }) => [quoted(prompt), quoted(model), usd, quality].join(','));
  return ['prompt,model,usd,quality', ...lines, ''].join('\r\n');
}

/** @param {Planned[]} plan */
export function jsonLinesOf(plan) {
  return plan.map((row) => `${JSON.stringify(row)}\n`).join('');
}

function quoted(text) {
  return `"${text.replaceAll('"', '""')}"`;
}
