/** The encoder on the GPU. */

import { PointsmanError } from './error.js';
import start, { GpuCall, GpuEncoder } from './wasm/pointsman_gpu.js';

/** What a browser may take for an adapter, the wasm file, or a device. */
const OPENING_MS = 15_000;
/** What it may take for vectors, and more for each token: a software adapter needs some 40 ms for one. */
const READBACK_MS = 10_000;
const TOKEN_MS = 100;
/** Four products of bytes in one instruction, which the kernels use: every browser that ships WebGPU has it by now. */
const BYTE_PRODUCTS = 'packed_4x8_integer_dot_product';

/** The wasm instance, once somebody wants it. @type {Promise<unknown> | undefined} */
let started;

/**
 * @typedef {{ values: Float32Array, lengths: Uint32Array }} Rows the rows of all texts behind each other, and how many
 *   each text has
 */

export class Gpu {
  #encoder;

  /**
   * Puts an encoder on the fastest adapter. Its kernels compile in the browser's own time.
   *
   * @param {Uint8Array} plan
   */
  static async open(plan) {
    const gpu = globalThis.navigator?.gpu;
    if (!gpu) throw unavailable('there is no WebGPU here');
    const adapter = await within(OPENING_MS, 'the adapter', gpu.requestAdapter({ powerPreference: 'high-performance' }));
    if (!adapter) throw unavailable('the browser has no adapter for it');
    if (!gpu.wgslLanguageFeatures?.has(BYTE_PRODUCTS)) throw unavailable(`its shaders lack ${BYTE_PRODUCTS}`);
    started ??= start({ module_or_path: new URL('./wasm/pointsman_gpu_bg.wasm', import.meta.url) });
    await within(OPENING_MS, 'its wasm file', started.catch((error) => { started = undefined; throw error; }));
    const opening = GpuEncoder.open(plan);
    const encoder = await within(OPENING_MS, 'a device', opening).catch((error) => {
      opening.then((late) => late.destroy(), () => {});
      throw error;
    });
    return new Gpu(encoder, nameOf(adapter.info), new DataView(plan.buffer, plan.byteOffset).getUint32(8, true));
  }

  /** @private use `open` */
  constructor(encoder, adapter, width) {
    this.#encoder = encoder;
    /** Numbers in a row. */
    this.width = width;
    /** What the adapter calls itself. */
    this.adapter = adapter;
    /** What a chunk of tokens takes. */
    this.dispatches = encoder.dispatches;
  }

  /** For texts that are to be read back together. */
  begin() {
    return new Batch(this.#encoder);
  }

  /**
   * Unit vectors, text by text. Rejects as a batch does.
   *
   * @param {Rows} rows
   */
  async run(rows) {
    const batch = this.begin();
    await batch.add(rows);
    return batch.read();
  }

  /** Ends the device: what runs fails. */
  destroy() {
    this.#encoder.destroy();
  }
}

/** Texts that are read back together. Rejects where the device failed, was lost, or is silent. */
class Batch {
  #encoder;
  /** @type {GpuCall | undefined} */
  #call;
  #texts = 0;
  #tokens = 0;

  constructor(encoder) {
    this.#encoder = encoder;
  }

  /**
   * Hands the work of more texts to the device, which computes meanwhile; waits only where it is far behind.
   *
   * @param {Rows} rows
   * @returns {Promise<number>} texts so far
   */
  async add({ values, lengths }) {
    this.#texts += lengths.length;
    this.#tokens += lengths.reduce((sum, length) => sum + length, 0);
    this.#call = await this.#inTime(this.#encoder.add(this.#call ?? new GpuCall(), values, lengths));
    return this.#texts;
  }

  /** Unit vectors, text by text. @returns {Promise<Float32Array>} */
  read() {
    return this.#inTime(this.#encoder.read(this.#call));
  }

  #inTime(promise) {
    return within(READBACK_MS + TOKEN_MS * this.#tokens, 'the vectors', promise);
  }
}

/** @param {GPUAdapterInfo} info */
function nameOf(info) {
  const parts = [info?.vendor, info?.architecture, info?.device, info?.description];
  return parts.filter(Boolean).join(' ') || 'unnamed';
}

/** @param {string} why */
function unavailable(why) {
  return new PointsmanError('ENGINE', `the GPU cannot be used: ${why}`);
}

/**
 * What comes in time, or a rejection.
 *
 * @template T
 * @param {number} ms
 * @param {string} what
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(unavailable(`it did not give ${what} within ${Math.round(ms / 1000)} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } catch (thrown) {
    throw thrown instanceof PointsmanError ? thrown : unavailable(Object(thrown).message ?? String(thrown));
  } finally {
    clearTimeout(timer);
  }
}
