/**
 * A router on another thread, as its caller sees it. This file knows no runtime: an entry (browser.js, node.js) says
 * how to start a thread, and gets its `createRouter`.
 */

import { asyncDispose, disposed } from '../common.js';
import { badInput } from '../error.js';
import { isBatch, readBatch, readInput } from '../input.js';
import { checkKeys, readCallback, readSignal, readState, readWatcher } from '../options.js';
import { Line } from './line.js';
import { parcel } from './parcel.js';
import { movable, revive } from './wire.js';

/** @typedef {import('./index.js').WorkerRouter} WorkerRouterInterface */

/**
 * @param {{ start: import('./line.js').Start, locate: (src: string) => string }} host what differs between runtimes
 * @returns {typeof import('./index.js').createRouter}
 */
export function workerFactory({ start, locate }) {
  return async function createRouter(options = {}) {
    checkKeys('createRouter', options);
    const { onProgress, onDecision, onTier, ...rest } = options;
    readCallback('onProgress', onProgress);
    const tell = readWatcher('onDecision', onDecision);
    const heard = { onProgress, onTier: readWatcher('onTier', onTier) };
    const { line, candidates } = await Line.open(start, { ...await parcel(rest, locate), ...heard });
    return new WorkerRouter(line, candidates, tell);
  };
}

/**
 * Of an input, only texts cross, as they do into wasm: no picture is copied, and nothing can fail to be copied.
 *
 * @implements {WorkerRouterInterface}
 */
class WorkerRouter {
  /** @type {Line | undefined} */
  #line;
  #candidates;
  #tell;

  constructor(line, candidates, tell) {
    this.#line = line;
    this.#candidates = Object.freeze(candidates.map(Object.freeze));
    this.#tell = tell;
  }

  get candidates() {
    return this.#candidates;
  }

  async route(input, options = {}) {
    const line = this.#alive();
    checkKeys('route', options);
    const { signal, ...call } = options;
    if (readSignal(signal)?.aborted) throw signal.reason;
    return line.call('route', [readInput(input), call], { signal, arrived: (decision) => this.#announce(decision) });
  }

  async rank(input, options = {}) {
    return this.#alive().call('rank', [readInput(input), options]);
  }

  async assign(inputs, goal) {
    const line = this.#alive();
    if (!isBatch(inputs)) throw badInput('inputs: expected a list of prompts');
    const arrived = (plan) => {
      for (const pick of plan.picks) this.#announce(pick);
      return plan;
    };
    return line.call('assign', [readBatch(inputs), goal], { arrived });
  }

  async feedback(decision, outcome) {
    return this.#alive().call('feedback', [decision, outcome]);
  }

  async receipt(id) {
    return this.#alive().call('receipt', [id]);
  }

  async exportState() {
    return this.#alive().call('exportState', []);
  }

  async drainState() {
    return this.#alive().call('drainState', []);
  }

  async mergeState(state) {
    return this.#sendState('mergeState', state);
  }

  async replaceState(state) {
    return this.#sendState('replaceState', state);
  }

  async embed(input, options = {}) {
    checkKeys('embed', options);
    const report = readCallback('onProgress', options.onProgress);
    return this.#alive().call('embed', [isBatch(input) ? input.map(readInput) : readInput(input)], { report });
  }

  async stats() {
    const arrived = (stats) => {
      const errors = ['upgradeError', 'lastFault'].filter((key) => stats[key]);
      return Object.assign(stats, ...errors.map((key) => ({ [key]: revive(stats[key]) })));
    };
    return this.#alive().call('stats', [], { arrived });
  }

  async [asyncDispose]() {
    const line = this.#line;
    this.#line = undefined;
    await line?.close(disposed());
  }

  #sendState(method, state) {
    const line = this.#alive();
    const moving = movable(readState(state));
    return line.call(method, [moving], { moved: [moving.buffer] });
  }

  /** Every decision passes here once, also one whose caller has aborted meanwhile. */
  #announce(decision) {
    const whole = decision.error ? Object.assign(decision, { error: revive(decision.error) }) : decision;
    this.#tell(whole);
    return whole;
  }

  #alive() {
    if (this.#line) return this.#line;
    throw disposed();
  }
}
