/**
 * The router as JavaScript sees it. This file knows no runtime: an entry (node.js, browser.js,
 * workerd.js) says where the files are and how to open a URL, and gets its `createRouter`.
 */

import { progress } from './bytes.js';
import { asyncDispose, disposed, embedAll, rising } from './common.js';
import { Engine } from './engine.js';
import { badInput } from './error.js';
import { isBatch, portions, readBatch, readInput } from './input.js';
import { Latency } from './latency.js';
import { checkKeys, defined, mergeOptions, readCallback, readDevice, readLineup, readNumber, readSeed, readSignal, readState, readWatcher, splitGoal } from './options.js';
import { partsOf, whenIdle } from './tiers.js';

/** @typedef {import('./index.js').Router} RouterInterface */

/**
 * @typedef {object} Host what differs between runtimes
 * @property {() => import('./start.js').Glue} bind makes a binding for one instance
 * @property {import('./bytes.js').Open} open
 * @property {() => Promise<URL | WebAssembly.Module>} [wasm] chooses the file of the fastest SIMD level here
 * @property {URL | ArrayBuffer} [router]
 * @property {URL | ArrayBuffer} [embedder]
 * @property {{ router: URL | ArrayBuffer, embedder: URL | ArrayBuffer }} [static] the files of the static tier; what a
 *   host lacks of all these, its callers must give
 * @property {() => Promise<typeof import('./device.js')>} [gpu] fetches what a GPU needs
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
    const wanted = readDevice(options);
    const policy = options.policy ?? {};
    checkKeys('policy', policy);
    const lineup = readLineup(options.candidates);
    const { learn, budgetUsd } = options;
    if (learn !== undefined) checkKeys('learn', learn);
    const { wasm, files, better } = partsOf(host, options);
    const recipe = {
      wasm, files, seed, lineup, learn: learn && defined(learn), budgetUsd: budgetUsd === undefined ? undefined : readNumber('budgetUsd', budgetUsd),
    };
    const engine = await Engine.open(host, recipe, report);
    try {
      const move = better && ((signal) => engine.upgrade(better, { signal, report: (part, ...bytes) => report(`full ${part}`, ...bytes) }));
      const parts = { policy: defined(policy), fallback: options.fallback, isLimited: budgetUsd !== undefined, tell, tellTier, move };
      return await Router.open(engine, parts, host.gpu, wanted);
    } catch (error) {
      engine.end();
      throw error;
    }
  };
}

/** @implements {RouterInterface} */
class Router {
  /** @type {Engine | undefined} */
  #engine;
  #defaults;
  #fallback;
  #isLimited;
  #tell;
  #tellTier;
  #moving = new AbortController();
  #upgradeError;
  /** Kept here, since a lost engine cannot be asked. */
  #tier;
  #latency = new Latency();
  /** @type {import('./device.js').Device | undefined} */
  #device;
  /** How it stands with the GPU while there is no device. @type {import('./index.js').GpuStats | undefined} */
  #gpu;
  /** @type {'wasm' | 'webgpu'} */
  #ran = 'wasm';
  #candidates;

  /** Whoever insists on a GPU waits for it; whoever does not is answered on the CPU meanwhile. */
  static async open(engine, parts, gpu, wanted) {
    const router = new Router(engine, parts);
    if (wanted.device === 'wasm') return router;
    const opening = router.#openDevice(gpu, wanted);
    if (wanted.device === 'webgpu') await opening;
    return router;
  }

  /** @private use `open` */
  constructor(engine, { policy, fallback, isLimited, tell, tellTier, move }) {
    this.#engine = engine;
    this.#defaults = policy;
    this.#isLimited = isLimited;
    this.#tell = tell;
    this.#tellTier = tellTier;
    this.#candidates = Object.freeze(engine.call((router) => router.candidates).map(Object.freeze));
    this.#fallback = this.#known(fallback ?? engine.call((router) => router.strongest));
    if (Object.keys(policy).length > 0) this.#tryDefaults();
    this.#setTier(engine.call((router) => router.tier));
    if (move) void this.#moveOver(move);
  }

  get candidates() {
    return this.#candidates;
  }

  async route(input, options = {}) {
    const engine = this.#alive();
    checkKeys('route', options);
    const { signal, ...call } = options;
    if (readSignal(signal)?.aborted) throw signal.reason;
    const [prompt, policy] = [readInput(input), mergeOptions(this.#defaults, call)];
    const decision = await this.#decide(engine, prompt, policy, signal);
    this.#latency.record(decision.ms);
    this.#tell(decision);
    return decision;
  }

  async rank(input, options = {}) {
    const engine = this.#alive();
    checkKeys('rank', options);
    const [prompt, policy] = [readInput(input), mergeOptions(this.#defaults, options)];
    await this.#ready(engine);
    return engine.call((router) => router.rank(prompt, policy));
  }

  async assign(inputs, goal) {
    const engine = this.#alive();
    checkKeys('assign', goal);
    if (!isBatch(inputs)) throw badInput('inputs: expected a list of prompts');
    const prompts = readBatch(inputs);
    const [reach, limits] = splitGoal(this.#defaults, goal);
    await this.#ready(engine);
    const { ms, ...plan } = engine.call((router) => router.assign(prompts, reach, limits));
    for (const pick of plan.picks) this.#tell(Object.assign(pick, { ms: ms / prompts.length }));
    return plan;
  }

  feedback(decision, outcome) {
    const engine = this.#alive();
    checkKeys('feedback', outcome);
    const given = defined(outcome);
    if (typeof decision === 'string') engine.callOrWait((router) => router.feedback(decision, given));
    else if (decision instanceof Uint8Array) engine.callOrWait((router) => router.redeem(decision, given));
    else throw badInput('decision: expected the id of a decision, or its receipt');
  }

  receipt(id) {
    const engine = this.#alive();
    if (typeof id !== 'string') throw badInput('id: expected the id of a decision');
    return engine.call((router) => router.receipt(id));
  }

  exportState() {
    const engine = this.#alive();
    return engine.call((router) => router.exportState());
  }

  mergeState(state) {
    const engine = this.#alive();
    const sums = readState(state);
    engine.call((router) => router.mergeState(sums));
  }

  drainState() {
    const engine = this.#alive();
    return engine.call((router) => router.drainState());
  }

  replaceState(state) {
    const engine = this.#alive();
    const sums = readState(state);
    engine.call((router) => router.replaceState(sums));
  }

  async embed(input, options = {}) {
    const engine = this.#alive();
    checkKeys('embed', options);
    const report = rising(readCallback('onProgress', options.onProgress));
    const list = [...portions(isBatch(input) ? input : [input])];
    await this.#ready(engine);
    const fromGpu = await this.#device?.embed(list, report);
    const vectors = fromGpu ?? await embedAll(list, async (prompts) => this.#alive().call((router) => router.embed(prompts)), report);
    this.#ranOn(fromGpu);
    return vectors;
  }

  /** @returns {import('./index.js').Stats} */
  stats() {
    const engine = this.#alive();
    const budget = engine.lost ? undefined : engine.call((router) => router.budget);
    return {
      calls: this.#latency.calls,
      p50Ms: this.#latency.percentile(50),
      p99Ms: this.#latency.percentile(99),
      wasmBytes: engine.memoryBytes,
      device: this.#ran,
      simd: engine.simd,
      tier: this.#tier,
      ...engine.health,
      ...(this.#gpu && { gpu: this.#device?.health ?? this.#gpu }),
      ...(this.#upgradeError && { upgradeError: this.#upgradeError }),
      ...(budget && { budget }),
    };
  }

  async [asyncDispose]() {
    this.#moving.abort(disposed());
    this.#device?.end();
    this.#engine?.end();
    this.#engine = undefined;
  }

  /**
   * Goes on with the full tier, once it is here, between two calls. Where it cannot be had, the static one goes on, and
   * `stats` tells why.
   *
   * @param {(signal: AbortSignal) => Promise<void>} move
   */
  async #moveOver(move) {
    const { signal } = this.#moving;
    try {
      await whenIdle();
      signal.throwIfAborted();
      await move(signal);
      if (this.#engine) this.#setTier('full');
      await this.#device?.open();
    } catch (error) {
      if (!signal.aborted) this.#upgradeError = error;
    }
  }

  /** Fetches what a GPU needs, and puts the embedder there. Never rejects. */
  async #openDevice(part, wanted) {
    const closed = { ready: false, calls: 0 };
    this.#gpu = closed;
    try {
      if (!part) throw new Error('this entry of pointsman brings no GPU part');
      const { Device } = await part();
      const device = new Device(this.#alive(), wanted);
      this.#device = device;
      await device.open();
    } catch (error) {
      this.#gpu = { ...closed, reason: error.message };
    }
  }

  /** Waits, where a call must, and looks whether anyone still wants it. @param {AbortSignal} [signal] */
  async #ready(engine, signal) {
    if (!engine.lost) return;
    const aborted = signal && new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason), { once: true }); });
    await Promise.race([engine.ready(), ...(aborted ? [aborted] : [])]);
    this.#alive();
  }

  /** @param {unknown} fromGpu what came from there, if anything did */
  #ranOn(fromGpu) {
    this.#ran = fromGpu ? 'webgpu' : 'wasm';
    return this.#ran;
  }

  #setTier(tier) {
    this.#tier = tier;
    this.#tellTier(tier);
  }

  /** The prompt's decision; where the engine fails, the fallback's. The caller's own errors pass. */
  async #decide(engine, prompt, options, signal) {
    const begun = performance.now();
    try {
      if (engine.lost) await this.#ready(engine, signal);
      const fromGpu = this.#device && await this.#device.route(prompt, options);
      if (signal?.aborted) throw signal.reason;
      if (engine.lost) await this.#ready(engine, signal);
      const decision = fromGpu ?? this.#alive().call((router) => router.route(prompt, options));
      return this.#gpu ? Object.assign(decision, { device: this.#ranOn(fromGpu) }) : decision;
    } catch (error) {
      if (signal?.aborted || error.code !== 'ENGINE') throw error;
      const model = this.#fallbackFor(options);
      if (model === undefined) throw error;
      return fallbackDecision(model, this.#tier, performance.now() - begun, error);
    }
  }

  /** The caller's own choice, the fallback, or in their stead the first candidate that this call permits. */
  #fallbackFor({ allow, needs = [], pin }) {
    if (this.#isLimited) return undefined; // what nobody has priced must not be charged to a budget
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
      this.#engine?.call((router) => router.rank('?', this.#defaults));
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
