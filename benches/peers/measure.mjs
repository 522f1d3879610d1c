/** The measuring loop, the same for every peer and in every environment. */

/**
 * @typedef {object} Subject a peer in its environment
 * @property {() => Promise<{ load: number, first: number }>} start imports, loads and answers the first 16-token text
 * @property {string[]} operations what it can be asked for, known once it has started
 * @property {(operation: string, set: string, index: number, calls?: number) => Promise<number>} time milliseconds of one
 *   call; a subject whose clock is far away takes the mean of several, unless `calls` says how many
 * @property {() => Promise<Float32Array[]>} vectors the embeddings of the varied texts
 * @property {() => Promise<{ wasmBytes?: number, native?: boolean, simd?: string, levelOf?: Record<string, string> }>} facts
 */

/** @typedef {ReturnType<typeof import('./options.mjs').loopOptions>} Loop */

/**
 * @param {Subject} subject
 * @param {Loop} loop
 * @param {number[][] | undefined} reference f32 embeddings of the varied texts, where fidelity is to be measured
 */
export async function measure(subject, loop, reference) {
  const cold = await subject.start();
  const { operations } = subject;
  const early = [];
  for (let i = 0; i < loop.early; i++) early.push(await subject.time(operations[0], 'varied', i, 1));
  await settle(subject, loop);
  const steady = {};
  for (const length of loop.lengths) steady[length] = await series(subject, operations, `${length}`, loop);
  const batch = await series(subject, ['embed'], 'batch', { ...loop, warmups: loop.batchWarmups, iterations: loop.batches });
  const fidelity = reference && compare(await subject.vectors(), reference);
  return { cold, early, steady, batch: batch.embed, fidelity, ...await subject.facts() };
}

/** Milliseconds of every arithmetic at every number of tokens. @param {Subject} subject @param {Loop} loop */
export async function measureFloor(subject, loop) {
  await subject.start();
  await settle(subject, loop);
  const steady = {};
  for (const tokens of loop.floorTokens) {
    steady[tokens] = await series(subject, subject.operations, `${tokens}`, { ...loop, iterations: loop.floorIterations });
  }
  return { steady, ...await subject.facts() };
}

/** Engines optimise hot code in the background: calls, with pauses in which that work can finish. */
async function settle(subject, { settleMs, settleCalls, settleLength }) {
  const end = performance.now() + settleMs;
  for (let i = 0; i < settleCalls && performance.now() < end; i++) {
    for (const operation of subject.operations) await subject.time(operation, `${settleLength}`, i);
    if (i % 8 === 7) await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

/** Milliseconds of each operation on one set of texts, turn by turn. Slow peers get fewer turns. */
async function series(subject, operations, set, { warmups, iterations, fewest, budgetMs }) {
  const times = Object.fromEntries(operations.map((operation) => [operation, []]));
  const turns = async (most, budget, least) => {
    const end = performance.now() + budget;
    for (let i = 0; i < most && (i < least || performance.now() < end); i++) {
      for (const operation of operations) times[operation].push(await subject.time(operation, set, i));
    }
  };
  await turns(warmups, budgetMs / 2, 1);
  for (const operation of operations) times[operation] = [];
  await turns(iterations, budgetMs, fewest);
  return times;
}

const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);

/** Cosines to the reference, and how often a text keeps the nearest neighbour that it has there. */
export function compare(vectors, reference) {
  const cosines = vectors.map((vector, i) => dot(vector, reference[i]) / Math.hypot(...vector));
  const kept = vectors.filter((_, i) => nearest(vectors, i) === nearest(reference, i)).length;
  return {
    texts: vectors.length,
    mean: cosines.reduce((sum, x) => sum + x, 0) / cosines.length,
    worst: Math.min(...cosines),
    sameNeighbour: kept / vectors.length,
  };
}

function nearest(vectors, of) {
  let best = -1;
  let closest = -Infinity;
  vectors.forEach((vector, i) => {
    const similarity = i === of ? -Infinity : dot(vectors[of], vector);
    if (similarity > closest) [best, closest] = [i, similarity];
  });
  return best;
}
