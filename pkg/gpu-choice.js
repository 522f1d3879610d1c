/** Which of CPU and GPU is the faster one for a call: what was measured on this machine says so, and is kept. */

/**
 * @typedef {import('./index.js').Calibration} Calibration
 * @typedef {readonly (readonly [number, number])[]} Points tokens and milliseconds, by rising tokens
 */

/** Tokens of one text, timed on the CPU; a batch costs it what its texts cost. */
const CPU_LENGTHS = [8, 32, 128];
/** Tokens of all texts together, timed on the GPU, in texts of at most as many as the longest above. */
const GPU_TOKENS = [16, 128, 1024, 4096];
/** Once the GPU is so many times slower than the CPU, and was no better before, larger batches will not turn that. */
const HOPELESS = 4;
const RUNS = 3;
const STORE = 'calibrations';

/** @param {Calibration} calibration @param {ArrayLike<number>} lengths tokens of each text of a call */
export function isGpuFaster(calibration, lengths) {
  const texts = Array.from(lengths);
  const tokens = texts.reduce((sum, length) => sum + length, 0);
  return tokens > 0 && at(calibration.gpu, tokens) < texts.reduce((ms, length) => ms + at(calibration.cpu, length), 0);
}

/** Between two points on their line, and beyond them on the nearest one. @param {Points} points */
export function at(points, tokens) {
  const next = points.findIndex(([x]) => x >= tokens);
  const right = Math.max(1, next === -1 ? points.length - 1 : next);
  const [[x0, y0], [x1, y1]] = [points[right - 1], points[right]];
  return Math.max(0, y0 + ((y1 - y0) * (tokens - x0)) / (x1 - x0));
}

/**
 * Times a few embeddings of several lengths on both.
 *
 * @param {object} machines
 * @param {(tokens: number) => void} machines.cpu embeds one text
 * @param {(lengths: number[]) => Promise<unknown>} machines.gpu embeds texts
 * @returns {Promise<Calibration>}
 */
export async function calibrate({ cpu, gpu }) {
  /** @type {{ cpu: [number, number][], gpu: [number, number][] }} */
  const points = { cpu: [], gpu: [] };
  for (const tokens of CPU_LENGTHS) points.cpu.push([tokens, await fastest(() => cpu(tokens))]);
  let before = Infinity;
  for (const tokens of GPU_TOKENS) {
    const texts = Array.from({ length: Math.ceil(tokens / 128) }, () => Math.min(tokens, 128));
    points.gpu.push([tokens, await fastest(() => gpu(texts))]);
    const [, ms] = points.gpu.at(-1) ?? [0, 0];
    const ratio = ms / texts.reduce((sum, length) => sum + at(points.cpu, length), 0);
    if (ratio > HOPELESS && ratio > before / 2 && points.gpu.length > 1) break;
    before = ratio;
  }
  return points;
}

/** The best of a few runs; the first of them pays for what the others need. */
async function fastest(run) {
  let best = Infinity;
  for (let i = 0; i < RUNS; i += 1) {
    const begun = performance.now();
    await run();
    best = Math.min(best, performance.now() - begun);
    // A long one has paid for that many times over.
    if (i > 0 && best > 300) break;
  }
  return best;
}

/**
 * What was measured before on this adapter, or nothing. Wherever there is no store, nothing is kept.
 *
 * @param {string} adapter
 * @returns {Promise<Calibration | undefined>}
 */
export async function recall(adapter) {
  return within('readonly', (store) => store.get(adapter)).catch(() => undefined);
}

/** @param {string} adapter @param {Calibration} calibration */
export async function keep(adapter, calibration) {
  await within('readwrite', (store) => store.put(calibration, adapter)).catch(() => {});
}

/** @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} use */
async function within(mode, use) {
  const opening = indexedDB.open('pointsman', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await settled(opening);
  try {
    return await settled(use(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

/** @param {IDBRequest} request @returns {Promise<any>} */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
