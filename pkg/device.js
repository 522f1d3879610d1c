/**
 * Where a router's embeddings are computed: on the GPU where that is wanted, can be had and is faster, and else, always, in
 * wasm. Whatever happens to the GPU, the call goes on without it, and `stats` tells why. Only a router that was asked for a
 * GPU imports this file, and with it the GPU's wasm file.
 */

import { countOf, joined, soon } from './common.js';
import { calibrate, isGpuFaster, keep, recall } from './gpu-choice.js';
import { Gpu } from './gpu.js';
import { whenIdle } from './tiers.js';

/** @typedef {import('./gpu.js').Rows} Rows */

/** Texts that are looked up at a time, and tokens that are sent at a time: a token is 1.5 kB. */
const TEXTS = 32;
const TOKENS = 8192;
/** Texts of which the vectors are read back together: in MiniLM's width 100 MB, of the 256 that a buffer may have. */
const READ_TEXTS = 65_536;
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
    const vector = await this.embed([[prompt]]);
    if (!vector) return undefined;
    const decision = this.#engine.call((router) => router.routeEmbedded(prompt, options, vector));
    return Object.assign(decision, { ms: performance.now() - begun });
  }

  /**
   * Embeddings of prompts from the GPU; nothing where the CPU should compute them. All work is handed over, then all is
   * read back at once. The first prompts decide for all: more of them only favour the GPU.
   *
   * @param {any[][]} list in portions that fit into memory
   * @param {(progress: { done: number, total: number }) => void} [report]
   * @returns {Promise<Float32Array | undefined>}
   */
  async embed(list, report) {
    const [gpu, generation] = [this.#gpu, this.#generation];
    const total = countOf(list);
    if (!gpu || total === 0) return undefined;
    /** @type {Float32Array[]} */
    const parts = [];
    let [batch, done] = [gpu.begin(), 0];
    for (const rows of this.#lookUp(list)) {
      if (rows.lengths.includes(0) || (done === 0 && !this.#isWorthIt(rows.lengths))) return undefined;
      const texts = await this.#arrived(gpu, batch.add(rows));
      if (texts === undefined) return undefined;
      done += rows.lengths.length;
      const isLast = done === total;
      if (isLast || texts >= READ_TEXTS) {
        const vectors = await this.#arrived(gpu, batch.read());
        if (!vectors || generation !== this.#generation) return undefined;
        parts.push(vectors);
        if (!isLast) batch = gpu.begin();
      }
      report?.({ done, total });
      if (!isLast) await soon();
    }
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
  * #lookUp(list) {
    /** @type {Rows[]} */
    let found = [];
    let tokens = 0;
    for (const prompts of list.flatMap(pieces)) {
      const rows = this.#engine.call((router) => router.lookup(prompts));
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

/** @param {any[]} prompts */
function pieces(prompts) {
  return Array.from({ length: Math.ceil(prompts.length / TEXTS) }, (_, i) => prompts.slice(i * TEXTS, (i + 1) * TEXTS));
}

/** @param {Rows[]} list @returns {Rows} */
function together(list) {
  if (list.length === 1) return list[0];
  return { values: joined(list.map(({ values }) => values)), lengths: Uint32Array.from(list.flatMap(({ lengths }) => [...lengths])) };
}
