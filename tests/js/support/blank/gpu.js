/** Routers on the GPU and on the CPU, for tests/js/gpu.test.mjs. */

/** A small transformer: SwiftShader is slow. */
const TINY = { router: { src: '/data/tiny.router' }, embedder: { src: '/data/tiny.onnx' } };
const WORDS = 'the what is of a to write in and how why code python function prove that explain capital france hello poem'.split(' ');

/** @param {number} count @param {number} [start] */
export function text(count, start = 0) {
  return Array.from({ length: count }, (_, i) => WORDS[(start * 7 + i * 3) % WORDS.length]).join(' ');
}

export async function create(options, entry = 'browser.js') {
  const { createRouter } = await import(`/pointsman/${entry}`);
  return createRouter({ ...TINY, ...options });
}

/** What of two lists of vectors differs in any bit, and the worst cosine. */
export function compare(a, b, width) {
  const bits = (values) => new Uint32Array(values.buffer, values.byteOffset, values.length);
  const [left, right] = [bits(a), bits(b)];
  let worst = 1;
  let sum = 0;
  for (let row = 0; row < a.length; row += width) {
    let cosine = 0;
    for (let i = row; i < row + width; i += 1) cosine += a[i] * b[i];
    worst = Math.min(worst, cosine);
    sum += cosine;
  }
  return { count: a.length, differing: left.filter((word, i) => word !== right[i]).length, worst, mean: (sum * width) / a.length };
}
