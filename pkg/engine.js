/**
 * A router in wasm that outlives its instance: where a call traps, the next ones get an equal router on a new instance,
 * which goes on where the lost one ended.
 */

import { PointsmanError } from './error.js';
import { gather } from './start.js';

/** How often a router is built before those who wait are told that it cannot be: others may fail the same instance. */
const ATTEMPTS = 3;

/**
 * @typedef {InstanceType<import('./start.js').Glue['WasmRouter']>} WasmRouter
 *
 * @typedef {object} Recipe what a router is made of, once and again
 * @property {() => unknown} wasm
 * @property {import('./tiers.js').Files} files
 * @property {bigint} seed
 * @property {object[]} [lineup]
 * @property {object} [learn]
 * @property {number} [budgetUsd]
 */

export class Engine {
  #host;
  #recipe;
  #instance;
  #router;
  #ended = false;
  /** @type {Promise<void> | undefined} */
  #reviving;
  /** What was saved of the lost router, or nothing where it could not be. @type {Uint8Array[] | undefined} */
  #saved;
  /** Calls that change the router and came while there was none. */
  #waiting = [];
  #reinits = 0;
  #recoveryMs;
  #lastFault;
  #stateLost = false;

  /**
   * @param {import('./core.js').Host} host
   * @param {Recipe} recipe
   * @param {import('./bytes.js').Report} report
   */
  static async open(host, recipe, report) {
    return new Engine(host, recipe, await build(host, recipe, report));
  }

  /** @private use `open` */
  constructor(host, recipe, { instance, router }) {
    this.#host = host;
    this.#recipe = { ...recipe, files: readable(recipe.files) };
    this.#instance = instance;
    this.#router = router;
  }

  /** Whether calls must wait for another instance. */
  get lost() {
    return this.#instance.dead;
  }

  get simd() {
    return this.#instance.simd;
  }

  get memoryBytes() {
    return this.#instance.memory.buffer.byteLength;
  }

  /** How it has fared, for `stats`. */
  get health() {
    return {
      reinits: this.#reinits,
      ...(this.#recoveryMs !== undefined && { recoveryMs: this.#recoveryMs }),
      ...(this.#lastFault && { lastFault: this.#lastFault }),
      ...(this.#stateLost && { stateLost: true }),
    };
  }

  /**
   * Calls into wasm.
   *
   * @template T
   * @param {(router: WasmRouter) => T} use
   * @returns {T}
   */
  call(use) {
    const instance = this.#instance;
    if (instance.dead) {
      void this.ready().catch(() => {}); // whoever needs it waits for it, and hears why not
      throw new PointsmanError('ENGINE', 'the engine is being rebuilt after a fault; call this again when the next route has answered');
    }
    try {
      return instance.call(() => use(this.#router));
    } catch (error) {
      if (instance.dead) {
        this.#lastFault = error;
        void this.ready().catch(() => {});
      }
      throw error;
    }
  }

  /** Calls now, or where there is no instance, first thing on the next. What it throws then is the last fault. */
  callOrWait(use) {
    if (!this.lost) return this.call(use);
    this.#waiting.push(use);
    void this.ready().catch(() => {});
    return undefined;
  }

  /** Resolves when there is an instance to call; rejects where none can be had, for now. */
  async ready() {
    if (!this.lost) return;
    this.#reviving ??= this.#revive().catch(unbuilt).finally(() => { this.#reviving = undefined; });
    await this.#reviving;
  }

  /**
   * Goes on with another tier's files.
   *
   * @param {import('./tiers.js').Files} files
   * @param {{ report: import('./bytes.js').Report, signal: AbortSignal }} how
   */
  async upgrade(files, { report, signal }) {
    for (let attempt = 1; ; attempt += 1) {
      const { instance, router, file, digests } = await gather(this.#host, files, { wasm: this.#recipe.wasm, report, signal });
      await this.ready();
      if (this.#ended) return instance.release(file);
      // A file lies in one instance's memory; where that was lost meanwhile, it must be read again.
      if (instance === this.#instance) {
        this.call((engine) => engine.upgrade(router, file, digests, this.#recipe.lineup));
        this.#recipe = { ...this.#recipe, files: readable(files) };
        return;
      }
      instance.release(file);
      if (attempt === ATTEMPTS) throw new PointsmanError('ENGINE', 'the engine was rebuilt each time that the full tier had arrived');
    }
  }

  end() {
    this.#ended = true;
    this.#instance.release(this.#router);
  }

  async #revive() {
    const begun = performance.now();
    for (let attempt = 1; this.lost && !this.#ended; attempt += 1) {
      if (attempt > ATTEMPTS) throw this.#lastFault ?? new PointsmanError('ENGINE', 'the engine failed again each time that it was rebuilt');
      // The first thing, and once: nobody knows for how long it can be read.
      this.#saved ??= save(this.#router);
      await this.#rebuild();
    }
    this.#recoveryMs = performance.now() - begun;
  }

  async #rebuild() {
    const seed = this.#recipe.seed + BigInt(this.#reinits + 1);
    const { instance, router } = await build(this.#host, { ...this.#recipe, seed });
    if (this.#ended || !this.#restore(instance, router)) return instance.release(router);
    this.#instance = instance;
    this.#router = router;
    this.#saved = undefined;
    this.#reinits += 1;
    for (const use of this.#waiting.splice(0)) this.#replay(use);
  }

  /** Whether the instance lives and its router has what the lost one had, or as much of that as there is. */
  #restore(instance, router) {
    const saved = this.#saved ?? [];
    try {
      instance.call(() => saved.forEach((bytes, piece) => router.restore(piece, bytes)));
      if (saved.length === 0) this.#lose(instance, router);
    } catch (error) {
      this.#lastFault = error;
      this.#saved = []; // not even these can be trusted
      if (!instance.dead) this.#lose(instance, router);
    }
    return !instance.dead;
  }

  /** What was learned is gone, and how much was spent is not known: so nothing more is. */
  #lose(instance, router) {
    const { learn, budgetUsd } = this.#recipe;
    this.#stateLost ||= learn !== undefined || budgetUsd !== undefined;
    if (budgetUsd !== undefined) instance.call(() => router.limit(0));
  }

  #replay(use) {
    try {
      this.call(use);
    } catch (error) {
      this.#lastFault = error;
    }
  }
}

/** @param {Error} cause @returns {never} */
function unbuilt(cause) {
  throw new PointsmanError('ENGINE', `the engine failed and cannot be rebuilt: ${cause.message}; the next call tries again`, { cause });
}

/**
 * A router, made by its recipe.
 *
 * @param {import('./core.js').Host} host
 * @param {Recipe} recipe
 * @param {import('./bytes.js').Report} [report]
 */
async function build(host, { wasm, files, seed, lineup, learn, budgetUsd }, report) {
  const { instance, router: bytes, file, digests } = await gather(host, files, { wasm, report });
  // This consumes the file, also where it throws.
  const router = instance.call(() => new instance.glue.WasmRouter(bytes, file, seed, digests, lineup));
  try {
    if (learn !== undefined) instance.call(() => router.learn(learn, seed));
    if (budgetUsd !== undefined) instance.call(() => router.limit(budgetUsd));
  } catch (error) {
    instance.release(router);
    throw error;
  }
  return { instance, router };
}

/** The same files, for another time: a response is read once, but what it answered can be asked for again. */
function readable(files) {
  const again = (pinned) => (pinned.src instanceof Response && pinned.src.url ? { ...pinned, src: pinned.src.url } : pinned);
  return { router: again(files.router), embedder: again(files.embedder) };
}

/**
 * What must not be lost with an instance that failed. Its memory is as the failure left it: most fail far from these
 * sums, while a prompt is read; one that fails while they change holds their lock, and nothing can be read.
 */
function save(router) {
  const pieces = [];
  try {
    for (;;) {
      const piece = router.save(pieces.length);
      if (piece === undefined) return pieces;
      pieces.push(piece);
    }
  } catch {
    return undefined;
  }
}
