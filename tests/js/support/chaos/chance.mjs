/** Chance that can be had again: what is drawn depends on the seed and on what it is drawn for, not on what came before. */

/**
 * @param {...(number | string)} names the seed, and what it is for
 */
export function chance(...names) {
  let state = hash(names.join('/'));
  /** From 0 up to, not including, 1 (mulberry32). */
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    is: (share) => next() < share,
    below: (end) => Math.floor(next() * end),
    pick: (list) => list[Math.floor(next() * list.length)],
    /** A key of an object whose values are weights. */
    weighed: (weights) => weighed(Object.entries(weights), next()),
  };
}

function weighed(entries, at) {
  const sum = entries.reduce((total, [, weight]) => total + weight, 0);
  let left = at * sum;
  for (const [key, weight] of entries) {
    left -= weight;
    if (left < 0) return key;
  }
  return entries[entries.length - 1][0];
}

/** FNV-1a. */
function hash(text) {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value;
}
