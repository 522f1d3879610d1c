/**
 * Where a router's embeddings are computed: on the GPU where that is wanted, can be had and is faster, and else, always, in
 * wasm. Whatever happens to the GPU, the call goes on without it, and `stats` tells why. Only a router that was asked for a
 * GPU imports this file, and with it the GPU's wasm file.
 */

import { joined } from './common.js';
import { calibrate, isGpuFaster, keep, recall } from './gpu-choice.js';
import { Gpu } from './gpu.js';
import { whenIdle } from './tiers.js';

/** @typedef {import('./gpu.js').Rows} Rows */

/** Texts that are looked up at a time, and tokens that are sent at a time: a token is 1.5 kB. */
const TEXTS = 32;
const TOKENS = 8192;
/** One token, beside the two that every text gets. */
const WORD = 'the ';

export class Device {
  #engine;
  #wanted;
  #calibration;
  /** @type {Gpu | undefined} */
  #gpu;
  /** Grows when another embedder answers, whose rows are other rows. */
  #generation = 0;
  #reason;
  #calls = 0;

  /**
   * @param {import('./engine.js').Engine} engine
   * @param {{ device: 'webgpu' | 'auto', calibration?: import('./index.js').Calibration }} options
   */
  constructor(engine, { device, calibration }) {
    this.#engine = engine;
    this.#wanted = device;
    this.#calibration = calibration;
  }

  /** Puts the embedder that answers now on the GPU. Never rejects. */
  async open() {
    const generation = this.#close();
    let gpu;
    try {
      if (this.#engine.call((router) => router.tier) === 'static') throw new Error('the static tier needs no GPU');
      gpu = await Gpu.open(this.#engine.call((router) => router.encoderPlan()));
      if (this.#wanted === 'auto') await this.#calibrate(gpu);
      if (generation !== this.#generation) throw new Error('it is not wanted any more');
      this.#gpu = gpu;
      this.#reason = undefined;
    } catch (error) {
      gpu?.destroy();
      if (generation === this.#generation) this.#reason = Object(error).message ?? String(error);
    }
  }

  /**
   * A decision on an embedding from the GPU; nothing where the CPU should decide.
   *
   * @returns {Promise<any>}
   */
  async route(prompt, options) {
    const begun = performance.now();
    const vector = await this.embed([prompt]);
    if (!vector) return undefined;
    const decision = this.#engine.call((router) => router.routeEmbedded(prompt, options, vector));
    return Object.assign(decision, { ms: performance.now() - begun });
  }

  /**
   * Embeddings of prompts from the GPU; nothing where the CPU should compute them.
   *
   * @param {any[]} prompts
   * @returns {Promise<Float32Array | undefined>}
   */
  async embed(prompts) {
    const [gpu, generation] = [this.#gpu, this.#generation];
    if (!gpu) return undefined;
    /** @type {Promise<Float32Array>[]} */
    const running = [];
    for (const rows of this.#lookUp(prompts)) {
      if (rows.lengths.includes(0) || !this.#isWorthIt(rows.lengths)) return undefined;
      const vectors = gpu.run(rows);
      vectors.catch(() => {}); // whoever awaits it hears of it
      running.push(vectors);
      // While this runs, the next is looked up; more than that would only wait.
      if (running.length > 1 && !await this.#arrived(gpu, running.at(-2))) return undefined;
    }
    const parts = await this.#arrived(gpu, Promise.all(running));
    if (!parts || generation !== this.#generation) return undefined;
    this.#calls += 1;
    return joined(parts);
  }

  /** For `stats`. */
  get health() {
    const gpu = this.#gpu;
    return {
      ready: gpu !== undefined,
      calls: this.#calls,
      ...(gpu && { adapter: gpu.adapter, dispatches: gpu.dispatches }),
      ...(this.#calibration && { calibration: this.#calibration }),
      ...(this.#reason && { reason: this.#reason }),
    };
  }

  end() {
    this.#close();
  }

  /** @param {Uint32Array} lengths */
  #isWorthIt(lengths) {
    return this.#wanted === 'webgpu' || isGpuFaster(this.#calibration, lengths);
  }

  /** What the encoder reads, in as much as is sent at a time. @returns {Generator<Rows>} */
  * #lookUp(prompts) {
    /** @type {Rows[]} */
    let found = [];
    let tokens = 0;
    for (let start = 0; start < prompts.length; start += TEXTS) {
      const rows = this.#engine.call((router) => router.lookup(prompts.slice(start, start + TEXTS)));
      found.push(rows);
      tokens += rows.lengths.reduce((sum, length) => sum + length, 0);
      if (tokens < TOKENS) continue;
      yield together(found);
      found = [];
      tokens = 0;
    }
    if (found.length > 0) yield together(found);
  }

  /** What the GPU gives; nothing where it fails, which is the last that it is asked. */
  async #arrived(gpu, promise) {
    try {
      return await promise;
    } catch (error) {
      if (this.#gpu === gpu) {
        this.#close();
        this.#reason = error.message;
      }
      return undefined;
    }
  }

  /** Measures once which of the two is faster for what; the page may do other things meanwhile. */
  async #calibrate(gpu) {
    const router = (use) => this.#engine.call(use);
    const name = [gpu.adapter, gpu.width, this.#engine.simd].join(' ');
    this.#calibration ??= await recall(name);
    if (this.#calibration) return;
    await whenIdle();
    this.#calibration = await calibrate({
      cpu: (tokens) => router((wasm) => wasm.embed([WORD.repeat(tokens - 2)])),
      gpu(lengths) {
        const tokens = lengths.reduce((sum, length) => sum + length, 0);
        return gpu.run({ values: new Float32Array(tokens * gpu.width).fill(0.5), lengths: Uint32Array.from(lengths) });
      },
    });
    await keep(name, this.#calibration);
  }

  #close() {
    this.#gpu?.destroy();
    this.#gpu = undefined;
    this.#generation += 1;
    return this.#generation;
  }
}

/** @param {Rows[]} list @returns {Rows} */
function together(list) {
  if (list.length === 1) return list[0];
  return { values: joined(list.map(({ values }) => values)), lengths: Uint32Array.from(list.flatMap(({ lengths }) => [...lengths])) };
}
