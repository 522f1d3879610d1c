/** A larger share of the processor for what is measured, so that medians are those of the code and not of other work's. */

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * Raises a process and all below it. Where that is not permitted, it stays as it is.
 *
 * @param {number} pid
 * @param {number} nice -20 (most) to 19
 */
export function raise(pid, nice) {
  for (const each of family(pid)) {
    attempt(() => writeFileSync(`/proc/${each}/autogroup`, `${nice}`));
    for (const thread of attempt(() => readdirSync(`/proc/${each}/task`)) ?? []) attempt(() => setPriority(Number(thread), nice));
  }
}

function family(pid) {
  const tasks = attempt(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  const childrenOf = (task) => attempt(() => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')) ?? '';
  const children = tasks.flatMap((task) => childrenOf(task).split(' ').filter(Boolean).map(Number));
  return [pid, ...children.flatMap(family)];
}

function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}
