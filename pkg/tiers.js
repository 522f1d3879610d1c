/** The full embedder and the static one: which files a router needs first, and which it moves over to. */

import { badInput } from './error.js';
import { checkKeys } from './options.js';

/**
 * @typedef {object} Files a tier's two files
 * @property {import('./index.js').Signed} router
 * @property {import('./index.js').Pinned} embedder
 * @property {boolean} [rehearse] whether the embedder is to be a transformer, and the instance young
 *
 * @typedef {object} Parts where everything comes from
 * @property {() => unknown} wasm asked once, by the first router
 * @property {Files} files
 * @property {Files} [better] what the router moves over to, once there is time
 */

const TIERS = ['full', 'static', 'auto'];

/**
 * What the caller gives, over what the host brings.
 *
 * @param {import('./core.js').Host} host
 * @param {import('./index.js').RouterOptions} options
 * @returns {Parts}
 */
export function partsOf(host, options) {
  const { tier = 'full' } = options;
  if (!TIERS.includes(tier)) throw badInput(`tier: ${String(tier)} is not one of ${TIERS.join(', ')}`);
  const wasm = options.wasm === undefined || options.wasm === null ? host.wasm : () => options.wasm;
  const files = { router: pinned(options.router, host.router), embedder: pinned(options.embedder, host.embedder), rehearse: true };
  const full = { wasm, files };
  if (tier === 'full' || (tier === 'auto' && !host.background)) return whole(full, '');
  const first = whole({ wasm, files: staticFiles(host, options) }, 'static.');
  return tier === 'auto' && !savesData() ? { ...first, better: whole(full, '').files } : first;
}

/** The default static files belong to the default full ones: with others, another router would answer first. */
function staticFiles(host, options) {
  const given = options.static;
  if (given !== undefined) {
    checkKeys('static', given);
    return { router: given.router, embedder: given.embedder };
  }
  if (options.router || options.embedder) throw badInput('static: your own router needs its own files for the static tier; give static: { router, embedder }');
  return { router: pinned(undefined, host.static?.router), embedder: pinned(undefined, host.static?.embedder) };
}

function pinned(given, shipped) {
  return given ?? (shipped && { src: shipped });
}

/** @returns {Parts} */
function whole(parts, prefix) {
  const names = [['wasm', parts.wasm], [`${prefix}router`, parts.files.router], [`${prefix}embedder`, parts.files.embedder]];
  const missing = names.filter(([, value]) => value === undefined).map(([name]) => name);
  if (missing.length === 0) return parts;
  throw badInput(`createRouter: give ${missing.join(', ')}: pointsman/slim brings no files`);
}

/** Whoever asks a browser to save data is not sent 23 MB that nobody waits for. */
function savesData() {
  return globalThis.navigator?.['connection']?.saveData === true;
}

/** Resolves when the page has nothing better to do; where nothing tells of that, a moment later. */
export function whenIdle() {
  return new Promise((resolve) => {
    if (typeof globalThis.requestIdleCallback === 'function') requestIdleCallback(() => resolve(undefined), { timeout: 5000 });
    else setTimeout(resolve, 100);
  });
}
