/**
 * Which of the two wasm files is the faster one here. That an engine accepts relaxed SIMD does not say so: its byte
 * products are one machine instruction on one engine, and half a dozen on another. So both inner loops are timed.
 */

/**
 * A module with both loops, each over a tile of 4 rows and 8 columns; an engine without relaxed SIMD refuses it.
 * `node tests/js/support/probe.mjs` writes these lines.
 */
const PROBE = new Uint8Array([
  0,97,115,109,1,0,0,0,1,5,1,96,1,127,0,3,3,2,0,0,5,3,1,0,1,7,21,2,7,114,101,108,97,120,101,100,0,0,7,115,105,109,100,
  49,50,56,0,1,10,219,5,2,223,2,2,6,127,11,123,65,128,3,33,4,32,4,65,1,116,33,5,32,4,65,3,108,33,6,3,64,65,128,192,0,
  33,1,65,0,33,2,65,224,0,33,3,253,12,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,33,10,32,10,33,11,32,10,33,12,32,10,33,13,32,10,
  33,14,32,10,33,15,32,10,33,16,32,10,33,17,3,64,32,1,253,0,4,0,33,7,32,1,253,0,4,16,33,8,32,2,253,9,2,0,33,9,32,7,32,
  9,32,10,253,147,2,33,10,32,8,32,9,32,11,253,147,2,33,11,32,2,32,4,106,253,9,2,0,33,9,32,7,32,9,32,12,253,147,2,33,12,
  32,8,32,9,32,13,253,147,2,33,13,32,2,32,5,106,253,9,2,0,33,9,32,7,32,9,32,14,253,147,2,33,14,32,8,32,9,32,15,253,147,
  2,33,15,32,2,32,6,106,253,9,2,0,33,9,32,7,32,9,32,16,253,147,2,33,16,32,8,32,9,32,17,253,147,2,33,17,32,2,65,4,106,
  33,2,32,1,65,32,106,33,1,32,3,65,127,106,34,3,13,0,11,65,0,32,10,253,11,4,128,128,1,65,0,32,11,253,11,4,144,128,1,65,
  0,32,12,253,11,4,160,128,1,65,0,32,13,253,11,4,176,128,1,65,0,32,14,253,11,4,192,128,1,65,0,32,15,253,11,4,208,128,1,
  65,0,32,16,253,11,4,224,128,1,65,0,32,17,253,11,4,240,128,1,32,0,65,127,106,34,0,13,0,11,11,247,2,2,6,127,11,123,65,
  128,6,33,4,32,4,65,1,116,33,5,32,4,65,3,108,33,6,3,64,65,128,192,0,33,1,65,0,33,2,65,192,1,33,3,253,12,0,0,0,0,0,0,0,
  0,0,0,0,0,0,0,0,0,33,10,32,10,33,11,32,10,33,12,32,10,33,13,32,10,33,14,32,10,33,15,32,10,33,16,32,10,33,17,3,64,32,
  1,253,1,3,0,33,7,32,1,253,1,3,8,33,8,32,2,253,9,2,0,33,9,32,10,32,9,32,7,253,186,1,253,174,1,33,10,32,11,32,9,32,8,
  253,186,1,253,174,1,33,11,32,2,32,4,106,253,9,2,0,33,9,32,12,32,9,32,7,253,186,1,253,174,1,33,12,32,13,32,9,32,8,253,
  186,1,253,174,1,33,13,32,2,32,5,106,253,9,2,0,33,9,32,14,32,9,32,7,253,186,1,253,174,1,33,14,32,15,32,9,32,8,253,186,
  1,253,174,1,33,15,32,2,32,6,106,253,9,2,0,33,9,32,16,32,9,32,7,253,186,1,253,174,1,33,16,32,17,32,9,32,8,253,186,1,
  253,174,1,33,17,32,2,65,4,106,33,2,32,1,65,16,106,33,1,32,3,65,127,106,34,3,13,0,11,65,0,32,10,253,11,4,128,128,1,65,
  0,32,11,253,11,4,144,128,1,65,0,32,12,253,11,4,160,128,1,65,0,32,13,253,11,4,176,128,1,65,0,32,14,253,11,4,192,128,1,
  65,0,32,15,253,11,4,208,128,1,65,0,32,16,253,11,4,224,128,1,65,0,32,17,253,11,4,240,128,1,32,0,65,127,106,34,0,13,0,
  11,11,
]);

/** Tiles a call: so few that a call is short, so many that the loop and not the call is timed. */
const TILES = 8;
/** Calls after which every engine that optimises only what runs often has begun to. The first of them tell the speed before. */
const WARM_CALLS = 45;
const COLD_CALLS = 9;
/** What its compiler may take. */
const PAUSE_MS = 4;
/** What one timing takes: enough on a fine clock, and on one that moves but every 0.1 or 1 ms. */
const TIMING_MS = 0.12;
const COARSE_TIMING_MS = 0.7;
/** The longest step of a fine clock. */
const FINE_MS = 0.05;
/** Calls after which a clock counts as stopped. */
const PATIENCE = 4000;
const MOST_TIMINGS = 6;
const CERTAIN_LOSSES = 3;
/** One loop is never this many times as fast as the other, unless only that one is optimised yet. */
const INCREDIBLE = 3;
/** An optimised loop is at least this many times as fast as before. */
const OPTIMISED = 1.5;
/** What relaxed SIMD gains beyond these loops, its activations taking half the memory: 8 to 20% of whole embeddings. */
const BONUS = 1.15;

/** @typedef {'relaxed' | 'simd128'} Level */

/** @type {Promise<Level> | undefined} */
let chosen;

/**
 * The file to load. Timing takes about three milliseconds, some fifteen with its pauses, and is done once.
 *
 * @template File
 * @param {Record<Level, File>} files
 * @returns {Promise<File>}
 */
export async function fasterOf(files) {
  // Where no probe can start, the real module will fail too, and say why.
  chosen ??= probe().catch(() => 'simd128');
  return files[await chosen];
}

/** @returns {Promise<Level>} */
async function probe() {
  if (!WebAssembly.validate(PROBE)) return 'simd128';
  const { instance } = await WebAssembly.instantiate(PROBE);
  const loops = [instance.exports.relaxed, instance.exports.simd128];
  const cold = loops.map(warm);
  await pause();
  return await isRelaxedFaster(loops, cold) ? 'relaxed' : 'simd128';
}

/** Calls a loop until it is worth optimising. Returns how fast it was before, in calls a millisecond. */
function warm(loop) {
  loop(TILES); // which some engines compile only now
  const begun = performance.now();
  for (let call = 0; call < COLD_CALLS; call += 1) loop(TILES);
  const cold = COLD_CALLS / (performance.now() - begun);
  for (let call = COLD_CALLS; call < WARM_CALLS; call += 1) loop(TILES);
  return cold;
}

/** It is taken at its word when it wins; that it loses must be seen repeatedly, for a busy machine disturbs timings. */
async function isRelaxedFaster(loops, cold) {
  let best = [0, 0];
  let losses = 0;
  for (let timing = 0; timing < MOST_TIMINGS && losses < CERTAIN_LOSSES; timing += 1) {
    if (timing > 0) await pause();
    const speeds = loops.map(speed);
    if (speeds.includes(undefined)) return true; // no clock: what most engines are best at
    best = best.map((value, i) => Math.max(value, speeds[i]));
    if (!isSettled(best, cold)) continue;
    if (wins(speeds)) return true;
    losses += 1;
  }
  return losses < CERTAIN_LOSSES && wins(best);
}

/** @param {number[]} speeds */
function wins([relaxed, simd128]) {
  return BONUS * relaxed >= simd128;
}

/** Whether both are as fast as they get. */
function isSettled(best, cold) {
  const [relaxed, simd128] = best;
  if (Math.max(relaxed / simd128, simd128 / relaxed) > INCREDIBLE) return false;
  // Where the clock is too coarse, they seem to have taken no time at first.
  return best.every((value, i) => cold[i] === Infinity || value >= OPTIMISED * cold[i]);
}

/** Calls a millisecond, from one tick of the clock to another; undefined where the clock stands still. */
function speed(loop) {
  const before = performance.now();
  const begun = callUntil(loop, (now) => now > before)?.now;
  if (begun === undefined) return undefined;
  const enough = begun - before < FINE_MS ? TIMING_MS : COARSE_TIMING_MS;
  const timed = callUntil(loop, (now) => now - begun >= enough);
  return timed && timed.calls / (timed.now - begun);
}

/** Ends when the time satisfies, or patience does. */
function callUntil(loop, satisfied) {
  for (let calls = 1; calls <= PATIENCE; calls += 1) {
    loop(TILES);
    const now = performance.now();
    if (satisfied(now)) return { calls, now };
  }
  return undefined;
}

function pause() {
  return new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
}
