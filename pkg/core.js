/**
 * The router as JavaScript sees it. This file knows no runtime: an entry (node.js, browser.js,
 * workerd.js) says where the files are and how to open a URL, and gets its `createRouter`.
 */

import { progress } from './bytes.js';
import { asyncDispose, disposed } from './common.js';
import { attempt, badInput } from './error.js';
import { isBatch, readInput } from './input.js';
import { Latency } from './latency.js';
import { checkKeys, defined, mergeOptions, readCallback, readLineup, readNumber, readSeed, readSignal, readState, readWatcher, splitGoal } from './options.js';
import { gather, start } from './start.js';
import { partsOf, whenIdle } from './tiers.js';

/** @typedef {import('./index.js').Router} RouterInterface */

/**
 * @typedef {object} Host what differs between runtimes
 * @property {import('./start.js').Glue} glue
 * @property {import('./bytes.js').Open} open
 * @property {() => Promise<URL | WebAssembly.Module>} [wasm] chooses the file of the fastest SIMD level here
 * @property {URL | ArrayBuffer} [router]
 * @property {URL | ArrayBuffer} [embedder]
 * @property {{ router: URL | ArrayBuffer, embedder: URL | ArrayBuffer }} [static] the files of the static tier; what a
 *   host lacks of all these, its callers must give
 * @property {boolean} background whether there is idle time to load the full tier in
 */

/**
 * @param {Host} host
 * @returns {typeof import('./index.js').createRouter}
 */
export function routerFactory(host) {
  return async function createRouter(options = {}) {
    checkKeys('createRouter', options);
    const report = progress(readCallback('onProgress', options.onProgress));
    const tell = readWatcher('onDecision', options.onDecision);
    const tellTier = readWatcher('onTier', options.onTier);
    const seed = readSeed(options.seed);
    const policy = options.policy ?? {};
    checkKeys('policy', policy);
    const lineup = readLineup(options.candidates);
    const { learn, budgetUsd } = options;
    if (learn !== undefined) checkKeys('learn', learn);
    const { wasm, files, better } = partsOf(host, options);
    const how = { report, starting: () => start(host, wasm) };
    const { router, file, digest } = await gather(host, files, how);
    // This consumes the file, also where it throws.
    const engine = attempt(() => new host.glue.WasmRouter(router, file, seed, digest, lineup));
    try {
      if (learn !== undefined) attempt(() => engine.learn(defined(learn), seed));
      if (budgetUsd !== undefined) attempt(() => engine.limit(readNumber('budgetUsd', budgetUsd)));
      const { fallback } = options;
      const load = better && ((signal) => gather(host, better, { ...how, report: (part, ...bytes) => report(`full ${part}`, ...bytes), signal }));
      return new Router(host.glue, engine, { policy: defined(policy), fallback, tell, tellTier, upgrade: load && { load, lineup } });
    } catch (error) {
      engine.free();
      throw error;
    }
  };
}

/** @implements {RouterInterface} */
class Router {
  #glue;
  #engine;
  #defaults;
  #fallback;
  #tell;
  #tellTier;
  #moving = new AbortController();
  #upgradeError;
  /** Kept here, since a failed engine cannot be asked. */
  #tier;
  #latency = new Latency();
  #candidates;

  constructor(glue, engine, { policy, fallback = engine.strongest, tell, tellTier, upgrade }) {
    this.#glue = glue;
    this.#engine = engine;
    this.#defaults = policy;
    this.#tell = tell;
    this.#tellTier = tellTier;
    this.#candidates = Object.freeze(engine.candidates.map(Object.freeze));
    this.#fallback = this.#known(fallback);
    if (Object.keys(policy).length > 0) this.#tryDefaults();
    this.#setTier(engine.tier);
    if (upgrade) void this.#moveOver(upgrade);
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

  feedback(decision, outcome) {
    const engine = this.#alive();
    checkKeys('feedback', outcome);
    const given = defined(outcome);
    if (typeof decision === 'string') attempt(() => engine.feedback(decision, given));
    else if (decision instanceof Uint8Array) attempt(() => engine.redeem(decision, given));
    else throw badInput('decision: expected the id of a decision, or its receipt');
  }

  receipt(id) {
    const engine = this.#alive();
    if (typeof id !== 'string') throw badInput('id: expected the id of a decision');
    return attempt(() => engine.receipt(id));
  }

  exportState() {
    const engine = this.#alive();
    return attempt(() => engine.exportState());
  }

  mergeState(state) {
    const engine = this.#alive();
    attempt(() => engine.mergeState(readState(state)));
  }

  drainState() {
    const engine = this.#alive();
    return attempt(() => engine.drainState());
  }

  replaceState(state) {
    const engine = this.#alive();
    attempt(() => engine.replaceState(readState(state)));
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
      tier: this.#tier,
      ...(this.#upgradeError && { upgradeError: this.#upgradeError }),
      ...(this.#engine?.budget && { budget: this.#engine.budget }),
    };
  }

  async [asyncDispose]() {
    this.#moving.abort(disposed());
    this.#engine?.free();
    this.#engine = undefined;
  }

  /**
   * Goes on with the full tier, once it is here, between two calls. Where it cannot be had, the static one goes on, and
   * `stats` tells why.
   *
   * @param {object} upgrade
   * @param {(signal: AbortSignal) => ReturnType<typeof gather>} upgrade.load
   * @param {object[]} [upgrade.lineup]
   */
  async #moveOver({ load, lineup }) {
    const { signal } = this.#moving;
    try {
      await whenIdle();
      signal.throwIfAborted();
      const { router, file, digest } = await load(signal);
      const engine = this.#engine;
      if (!engine) return file.free();
      attempt(() => engine.upgrade(router, file, digest, lineup));
      this.#setTier(engine.tier);
    } catch (error) {
      if (!signal.aborted) this.#upgradeError = error;
    }
  }

  #setTier(tier) {
    this.#tier = tier;
    this.#tellTier(tier);
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
      return fallbackDecision(model, this.#tier, performance.now() - begun, error);
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

function fallbackDecision(model, tier, ms, error) {
  const id = Array.from(crypto.getRandomValues(new Uint32Array(2)), (word) => word.toString(16).padStart(8, '0')).join('');
  return { id, model, reason: 'fallback-error', propensity: 1, scores: [], usd: 0, truncated: false, tier, ms, error };
}
