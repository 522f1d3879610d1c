/**
 * Where a router's embeddings are computed: on the GPU where that is wanted, can be had and is faster, and else, always, in
 * wasm. Whatever happens to the GPU, the call goes on without it, and `stats` tells why.
 */

import { badInput } from './error.js';
import { whenIdle } from './tiers.js';

/**
 * @typedef {import('./gpu.js').Rows} Rows
 * @typedef {typeof import('./gpu.js')} GpuPart
 */

const DEVICES = ['wasm', 'webgpu', 'auto'];
/** Texts that are looked up at a time, and tokens that are sent at a time: a token is 1.5 kB. */
const TEXTS = 32;
const TOKENS = 8192;
/** One token, beside the two that every text gets. */
const WORD = 'the ';

/** @param {unknown} device */
export function readDevice(device = 'wasm') {
  if (!DEVICES.includes(/** @type {string} */ (device))) throw badInput(`device: ${String(device)} is not one of ${DEVICES.join(', ')}`);
  return /** @type {'wasm' | 'webgpu' | 'auto'} */ (device);
}

/** @param {any} calibration */
export function readCalibration(calibration) {
  const isPoint = (point) => Array.isArray(point) && point.length === 2 && point.every((x) => Number.isFinite(x) && x >= 0);
  const rises = (points) => points.every(([tokens], i) => i === 0 || tokens > points[i - 1][0]);
  const isLine = (points) => Array.isArray(points) && points.length > 1 && points.every(isPoint) && rises(points);
  if (calibration === undefined || (isLine(calibration?.cpu) && isLine(calibration?.gpu))) return calibration;
  throw badInput('calibration: expected what stats().gpu.calibration gave');
}

export class Device {
  #engine;
  #part;
  #wanted;
  #calibration;
  /** @type {import('./gpu.js').Gpu | undefined} */
  #gpu;
  /** Grows when another embedder answers, whose rows are other rows. */
  #generation = 0;
  #ended = false;
  #reason;
  #calls = 0;
  /** @type {'wasm' | 'webgpu'} what the last call ran on */
  last = 'wasm';

  /**
   * @param {import('./engine.js').Engine} engine
   * @param {(() => Promise<GpuPart>) | undefined} part fetches what the GPU needs
   * @param {{ device: 'webgpu' | 'auto', calibration?: import('./index.js').Calibration }} options
   */
  constructor(engine, part, { device, calibration }) {
    this.#engine = engine;
    this.#part = part;
    this.#wanted = device;
    this.#calibration = calibration;
  }

  /** Puts the embedder that answers now on the GPU. Never rejects. */
  async open() {
    const generation = this.#close();
    try {
      if (!this.#part) throw new Error('this entry of pointsman brings no GPU part');
      if (this.#engine.call((router) => router.tier) === 'static') throw new Error('the static tier needs no GPU');
      const part = await this.#part();
      const gpu = await part.Gpu.open(this.#engine.call((router) => router.encoderPlan()));
      if (generation !== this.#generation || this.#ended) return gpu.destroy();
      if (this.#wanted === 'auto') await this.#calibrate(part, gpu);
      this.#choose = this.#wanted === 'webgpu' ? () => true : (lengths) => part.isGpuFaster(this.#calibration, lengths);
      this.#gpu = gpu;
      this.#reason = undefined;
    } catch (error) {
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
      if (rows.lengths.includes(0) || !this.#choose(rows.lengths)) return undefined;
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
      gpu: {
        ready: gpu !== undefined,
        calls: this.#calls,
        ...(gpu && { adapter: gpu.adapter, dispatches: gpu.dispatches }),
        ...(this.#calibration && { calibration: this.#calibration }),
        ...(this.#reason && { reason: this.#reason }),
      },
    };
  }

  end() {
    this.#ended = true;
    this.#close();
  }

  /** @type {(lengths: Uint32Array) => boolean} */
  #choose = () => false;

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
  async #calibrate(part, gpu) {
    const router = (use) => this.#engine.call(use);
    const name = [gpu.adapter, gpu.width, this.#engine.simd].join(' ');
    this.#calibration ??= await part.recall(name);
    if (this.#calibration) return;
    await whenIdle();
    this.#calibration = await part.calibrate({
      cpu: (tokens) => router((wasm) => wasm.embed([WORD.repeat(tokens - 2)])),
      gpu(lengths) {
        const tokens = lengths.reduce((sum, length) => sum + length, 0);
        return gpu.run({ values: new Float32Array(tokens * gpu.width).fill(0.5), lengths: Uint32Array.from(lengths) });
      },
    });
    await part.keep(name, this.#calibration);
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

/** Behind each other. @param {Float32Array[]} parts */
export function joined(parts) {
  if (parts.length === 1) return parts[0];
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let end = 0;
  for (const part of parts) {
    whole.set(part, end);
    end += part.length;
  }
  return whole;
}
