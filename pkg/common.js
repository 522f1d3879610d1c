/** What the router on this thread (core.js) and the one on another (worker/client.js) have in common. */

import { badInput } from './error.js';

/**
 * Older browsers lack the symbol; the tools that compile `await using` for them look for this one.
 *
 * @type {typeof Symbol.asyncDispose}
 */
export const asyncDispose = Symbol.asyncDispose ?? /** @type {any} */ (Symbol.for('Symbol.asyncDispose'));

/** What a router answers after its end. */
export function disposed() {
  return badInput('this router was disposed; create a new one');
}

/** Items of all lists. @param {{ length: number }[]} lists */
export function countOf(lists) {
  return lists.reduce((sum, { length }) => sum + length, 0);
}

/** Behind each other. @param {Float32Array[]} parts */
export function joined(parts) {
  if (parts.length === 1) return parts[0];
  const whole = new Float32Array(countOf(parts));
  let end = 0;
  for (const part of parts) {
    whole.set(part, end);
    end += part.length;
  }
  return whole;
}

/**
 * Embeddings of all portions, one after the other; whoever wants to hear how far it is does.
 *
 * @template T
 * @param {T[][]} list
 * @param {(portion: T[]) => Promise<Float32Array>} embed
 * @param {((progress: { done: number, total: number }) => void) | undefined} report
 */
export async function embedAll(list, embed, report) {
  const total = countOf(list);
  /** @type {Float32Array[]} */
  const parts = [];
  let done = 0;
  for (const portion of list) {
    parts.push(await embed(portion));
    done += portion.length;
    report?.({ done, total });
    if (done < total) await soon();
  }
  return joined(parts);
}

/** Lets the page, or the thread, do what else it has to. */
export function soon() {
  return new Promise((resolve) => { setTimeout(resolve); });
}

/**
 * Progress that never falls back, as it would where the CPU begins again what the GPU did not end.
 *
 * @param {((progress: { done: number, total: number }) => void) | undefined} report
 */
export function rising(report) {
  let most = 0;
  return report && ((progress) => {
    if (progress.done <= most) return;
    most = progress.done;
    report(progress);
  });
}
