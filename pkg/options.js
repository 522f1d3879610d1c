/** Which options exist, and how those of one call meet the router's defaults. */

import { badInput } from './error.js';

/** The two dials that exclude each other: a call that turns one replaces either default. */
const DIALS = ['costWeight', 'minQuality'];
const POLICY = [...DIALS, 'maxUsd', 'caution', 'explore', 'allow'];
const LENGTHS = ['expectedOutputTokens', 'maxOutputTokens', 'inputTokens'];
const REQUEST = [...POLICY, 'stickiness', 'needs', ...LENGTHS, 'pin', 'session'];

/** What a batch can be asked to reach: exactly one of these. */
const GOALS = ['budgetUsd', 'minQuality', 'costWeight'];
const LIMITS = ['maxUsd', 'caution', 'allow', 'needs', ...LENGTHS];

const DEVICES = ['wasm', 'webgpu', 'auto'];

const KNOWN = {
  createRouter: ['router', 'embedder', 'tier', 'static', 'candidates', 'fallback', 'policy', 'learn', 'budgetUsd', 'device', 'calibration', 'wasm', 'seed', 'onDecision', 'onProgress', 'onTier'],
  candidate: ['id', 'usdPerMtokIn', 'usdPerMtokOut', 'usdPerMtokCached', 'contextTokens', 'supports', 'expectedOutputTokens', 'scores'],
  router: ['src', 'sha256', 'signedBy', 'signature'],
  embedder: ['src', 'sha256'],
  wasm: ['src', 'sha256'],
  static: ['router', 'embedder'],
  mergeStates: ['wasm'],
  policy: [...POLICY, 'stickiness'],
  learn: ['rule', 'explore', 'ridge', 'discount', 'dimensions', 'maxExploreUsd', 'shared'],
  feedback: ['score', 'usd'],
  embed: ['onProgress'],
  rank: REQUEST,
  route: [...REQUEST, 'signal'],
  assign: [...GOALS, ...LIMITS],
  routedFetch: ['alias', 'models', 'fetch', 'policy', 'fallback', 'onDecision'],
  routedModel: ['policy', 'fallback', 'onDecision'],
  'policy of a client': REQUEST,
};

/**
 * Refuses what is no object, and keys that nothing would read: a misspelt dial must not be silent.
 *
 * @param {keyof typeof KNOWN} place
 * @param {unknown} options
 */
export function checkKeys(place, options) {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw badInput(`${place}: the options must be an object`);
  }
  const known = KNOWN[place];
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw badInput(`${place}: unknown option "${key}"; known are ${known.join(', ')}`);
    }
  }
}

/**
 * The options of one call over the router's defaults.
 *
 * @param {object} defaults
 * @param {object} call
 */
export function mergeOptions(defaults, call) {
  const given = defined(call);
  const turnsADial = DIALS.some((dial) => dial in given);
  const base = Object.entries(defaults).filter(([key]) => !(turnsADial && DIALS.includes(key)));
  return { ...Object.fromEntries(base), ...given };
}

/**
 * A batch's goal and the limits of its every prompt. The goal takes the place of the router's default dial.
 *
 * @param {object} defaults
 * @param {object} given
 */
export function splitGoal(defaults, given) {
  const goals = Object.entries(defined(given)).filter(([key]) => GOALS.includes(key));
  if (goals.length !== 1) throw badInput(`goal: give exactly one of ${GOALS.join(', ')}`);
  const limits = Object.entries({ ...defaults, ...defined(given) }).filter(([key]) => LIMITS.includes(key));
  return [Object.fromEntries(goals), Object.fromEntries(limits)];
}

/** `{ maxUsd: undefined }` says the same as `{}`. */
export function defined(options) {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** The seed as the engine takes it; random unless given. */
export function readSeed(seed) {
  if (seed === undefined) return crypto.getRandomValues(new BigUint64Array(1))[0];
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw badInput(`seed: ${String(seed)} is not a whole number from 0 to 2^53 - 1`);
  }
  return BigInt(seed);
}

/** The candidates of a line-up, without what is left open; nothing where none is given. */
export function readLineup(candidates) {
  if (candidates === undefined) return undefined;
  if (!Array.isArray(candidates)) throw badInput('candidates: expected a list of candidates with an id each');
  return candidates.map((candidate) => {
    checkKeys('candidate', candidate);
    return defined(candidate);
  });
}

/** A number; what range it must be in, the engine knows. */
export function readNumber(name, value) {
  if (typeof value !== 'number') throw badInput(`${name}: expected a number`);
  return value;
}

/** What a router has learned, as bytes. */
export function readState(state) {
  if (state instanceof Uint8Array) return state;
  throw badInput('state: expected the Uint8Array of an exportState');
}

/** Something that says whether it was aborted, or nothing. */
export function readSignal(signal) {
  if (signal !== undefined && typeof signal?.aborted !== 'boolean') throw badInput('signal: expected an AbortSignal');
  return signal;
}

/** A callback, or nothing. */
export function readCallback(name, callback) {
  if (callback !== undefined && typeof callback !== 'function') {
    throw badInput(`${name}: expected a function`);
  }
  return callback;
}

/** A callback that may be called whatever it does: a watcher that throws must not cost the caller the decision. */
export function readWatcher(name, callback) {
  readCallback(name, callback);
  return (...seen) => {
    try {
      callback?.(...seen);
    } catch (error) {
      console.error(`pointsman: ${name} threw`, error);
    }
  };
}

/**
 * Where embeddings are computed, and what was measured before, where it was.
 *
 * @param {Pick<import('./index.js').RouterOptions, 'device' | 'calibration'>} options
 */
export function readDevice({ device = 'wasm', calibration }) {
  if (!DEVICES.includes(device)) throw badInput(`device: ${String(device)} is not one of ${DEVICES.join(', ')}`);
  const isLine = (points) => points?.length > 1 && Array.from(points).every((point, i) => point?.[0] > (points[i - 1]?.[0] ?? -1) && point[1] >= 0);
  if (calibration === undefined || (isLine(calibration?.cpu) && isLine(calibration?.gpu))) return { device, calibration };
  throw badInput('calibration: expected what stats().gpu.calibration gave');
}
