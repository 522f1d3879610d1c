/**
 * The router as JavaScript sees it. This file knows no runtime: an entry (node.js, browser.js,
 * workerd.js) says where the files are and how to open a URL, and gets its `createRouter`.
 */

import { load, openOk, progress } from './bytes.js';
import { asyncDispose, disposed } from './common.js';
import { PointsmanError, attempt, badInput } from './error.js';
import { isBatch, readInput } from './input.js';
import { Latency } from './latency.js';
import { checkKeys, defined, mergeOptions, readCallback, readLineup, readNumber, readSeed, readSignal, readWatcher, splitGoal } from './options.js';
import { pour } from './pour.js';

/** @typedef {import('./index.js').Router} RouterInterface */

/**
 * @typedef {object} Host what differs between runtimes
 * @property {typeof import('./wasm/pointsman.js')} glue the generated module that wraps either wasm file
 * @property {import('./bytes.js').Open} open
 * @property {() => Promise<URL | WebAssembly.Module>} [wasm] chooses the file of the fastest SIMD level here
 * @property {URL | ArrayBuffer} [router]
 * @property {URL | ArrayBuffer} [embedder] where a host lacks one of these three, its callers must give it
 */

/**
 * @param {Host} host
 * @returns {typeof import('./index.js').createRouter}
 */
export function routerFactory(host) {
  const start = starter(host);
  return async function createRouter(options = {}) {
    checkKeys('createRouter', options);
    const report = progress(readCallback('onProgress', options.onProgress));
    const tell = readWatcher('onDecision', options.onDecision);
    const seed = readSeed(options.seed);
    const policy = options.policy ?? {};
    checkKeys('policy', policy);
    const lineup = readLineup(options.candidates);
    const { learn, budgetUsd } = options;
    if (learn !== undefined) checkKeys('learn', learn);
    const parts = partsOf(host, options);
    const { router, file, digest } = await gather(host, parts, report, () => start(parts.wasm));
    // This consumes the file, also where it throws.
    const engine = attempt(() => new host.glue.WasmRouter(router, file, seed, digest, lineup));
    try {
      if (learn !== undefined) attempt(() => engine.learn(defined(learn), seed));
      if (budgetUsd !== undefined) attempt(() => engine.limit(readNumber('budgetUsd', budgetUsd)));
      const { fallback } = options;
      return new Router(host.glue, engine, { policy: defined(policy), fallback, tell });
    } catch (error) {
      engine.free();
      throw error;
    }
  };
}

/**
 * @typedef {object} Parts where everything comes from
 * @property {() => unknown} wasm asked once, by the first router
 * @property {import('./index.js').Pinned} router
 * @property {import('./index.js').Pinned} embedder
 */

/**
 * What the caller gives, over what the host brings.
 *
 * @param {Host} host
 * @param {import('./index.js').RouterOptions} options
 * @returns {Parts}
 */
function partsOf(host, options) {
  const { wasm } = options;
  const parts = {
    wasm: wasm === undefined || wasm === null ? host.wasm : () => wasm,
    router: options.router ?? (host.router && { src: host.router }),
    embedder: options.embedder ?? (host.embedder && { src: host.embedder }),
  };
  const missing = Object.keys(parts).filter((part) => parts[part] === undefined);
  if (missing.length === 0) return /** @type {Parts} */ (parts);
  throw badInput(`createRouter: give ${missing.join(', ')}: pointsman/slim brings no files`);
}

/**
 * Both files, and an instance for them, all under way at once. Where one fails, the others stop.
 *
 * @param {Host} host
 * @param {Parts} parts
 * @param {import('./bytes.js').Report} report
 * @param {() => Promise<WebAssembly.Memory>} start
 */
async function gather({ glue, open }, parts, report, start) {
  const stop = new AbortController();
  const way = { open, report, signal: stop.signal };
  const loading = load('router', parts.router, way);
  const starting = start();
  const pouring = pour(parts.embedder, way, glue, starting);
  try {
    const [router, poured] = await Promise.all([loading, pouring, starting]);
    return { router, ...poured };
  } catch (error) {
    stop.abort();
    pouring.then(({ file }) => file.free(), () => {}); // one that failed has freed its own
    throw error;
  }
}

/**
 * Starts the wasm module on the first call; later calls share that one instance.
 * A start that failed may be tried again.
 *
 * @param {Host} host
 */
function starter({ glue, open }) {
  let started;
  return (wasm) => started ??= instantiate(glue, wasm(), open).catch((error) => {
    started = undefined;
    throw error;
  });
}

/** Resolves to the instance's memory. */
async function instantiate(glue, choosing, open) {
  const source = await choosing;
  const isToOpen = source instanceof URL || source instanceof Response || typeof source === 'string';
  const opened = isToOpen ? await openOk('wasm', source, open) : source;
  try {
    // A compiled module starts without waiting, which is the only way some runtimes allow.
    const ready = opened instanceof WebAssembly.Module ? glue.initSync({ module: opened }) : await glue.default({ module_or_path: opened });
    return ready.memory;
  } catch (cause) {
    throw new PointsmanError('ENGINE', `the WebAssembly module cannot start: ${cause.message}`, { cause });
  }
}

/** @implements {RouterInterface} */
class Router {
  #glue;
  #engine;
  #defaults;
  #fallback;
  #tell;
  #latency = new Latency();
  #candidates;

  constructor(glue, engine, { policy, fallback = engine.strongest, tell }) {
    this.#glue = glue;
    this.#engine = engine;
    this.#defaults = policy;
    this.#tell = tell;
    this.#candidates = Object.freeze(engine.candidates.map(Object.freeze));
    this.#fallback = this.#known(fallback);
    if (Object.keys(policy).length > 0) this.#tryDefaults();
  }

  get candidates() {
    return this.#candidates;
  }

  async route(input, options = {}) {
    const engine = this.#alive();
    checkKeys('route', options);
    const { signal, ...call } = options;
    if (readSignal(signal)?.aborted) throw signal.reason;
    const decision = this.#decide(engine, readInput(input), mergeOptions(this.#defaults, call));
    this.#latency.record(decision.ms);
    this.#tell(decision);
    return decision;
  }

  async rank(input, options = {}) {
    const engine = this.#alive();
    checkKeys('rank', options);
    const prompt = readInput(input);
    return attempt(() => engine.rank(prompt, mergeOptions(this.#defaults, options)));
  }

  async assign(inputs, goal) {
    const engine = this.#alive();
    checkKeys('assign', goal);
    if (!isBatch(inputs)) throw badInput('inputs: expected a list of prompts');
    const prompts = inputs.map(readInput);
    const { ms, ...plan } = attempt(() => engine.assign(prompts, ...splitGoal(this.#defaults, goal)));
    for (const pick of plan.picks) this.#tell(Object.assign(pick, { ms: ms / prompts.length }));
    return plan;
  }

  feedback(id, outcome) {
    const engine = this.#alive();
    if (typeof id !== 'string') throw badInput('id: expected the id of a decision');
    checkKeys('feedback', outcome);
    attempt(() => engine.feedback(id, defined(outcome)));
  }

  exportState() {
    const engine = this.#alive();
    return attempt(() => engine.exportState());
  }

  mergeState(state) {
    const engine = this.#alive();
    if (!(state instanceof Uint8Array)) throw badInput('state: expected the Uint8Array of an exportState');
    attempt(() => engine.mergeState(state));
  }

  async embed(input) {
    const engine = this.#alive();
    const prompts = (isBatch(input) ? input : [input]).map(readInput);
    return attempt(() => engine.embed(prompts));
  }

  /** @returns {import('./index.js').Stats} */
  stats() {
    return {
      calls: this.#latency.calls,
      p50Ms: this.#latency.percentile(50),
      p99Ms: this.#latency.percentile(99),
      wasmBytes: this.#glue.memoryBytes(),
      device: 'wasm',
      simd: this.#glue.simd(),
      ...(this.#engine?.budget && { budget: this.#engine.budget }),
    };
  }

  async [asyncDispose]() {
    this.#engine?.free();
    this.#engine = undefined;
  }

  /** The prompt's decision; where the engine fails, the fallback's. The caller's own errors pass. */
  #decide(engine, prompt, options) {
    const begun = performance.now();
    try {
      return attempt(() => engine.route(prompt, options));
    } catch (error) {
      if (error.code !== 'ENGINE') throw error;
      const model = this.#fallbackFor(options);
      if (model === undefined) throw error;
      return fallbackDecision(model, performance.now() - begun, error);
    }
  }

  /** The caller's own choice, the fallback, or in their stead the first candidate that this call permits. */
  #fallbackFor({ allow, needs = [], pin }) {
    if (this.#engine?.budget) return undefined; // what nobody has priced must not be charged to a budget
    const permits = ({ id, supports = [] }) => (!allow || [...allow].includes(id)) && needs.every((need) => supports.includes(need));
    const permitted = this.#candidates.filter(permits).map(({ id }) => id);
    return [pin, this.#fallback].find((id) => permitted.includes(id)) ?? permitted[0];
  }

  #known(id) {
    if (this.#candidates.some((candidate) => candidate.id === id)) return id;
    const ids = this.#candidates.map((candidate) => candidate.id).join(', ');
    throw badInput(`fallback: "${id}" is not a candidate; candidates are ${ids}`);
  }

  /** Default dials that no call could use are refused once, here, and not on every call. */
  #tryDefaults() {
    try {
      attempt(() => this.#engine.rank('?', this.#defaults));
    } catch (error) {
      if (error.code !== 'ENGINE') throw error;
    }
  }

  #alive() {
    if (this.#engine) return this.#engine;
    throw disposed();
  }
}

function fallbackDecision(model, ms, error) {
  const id = Array.from(crypto.getRandomValues(new Uint32Array(2)), (word) => word.toString(16).padStart(8, '0')).join('');
  return { id, model, reason: 'fallback-error', propensity: 1, scores: [], usd: 0, truncated: false, ms, error };
}
