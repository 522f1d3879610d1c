/** The wasm instance, and the files on their way into it. */

import { load, openOk, sha256 } from './bytes.js';
import { PointsmanError, fromEngine, isFault } from './error.js';
import { pour } from './pour.js';

/**
 * @typedef {ReturnType<typeof import('./wasm/pointsman.js').bind>} Glue what wraps one instance of either wasm file
 *
 * @typedef {object} Parts an instance, and a tier's two files in it
 * @property {Instance} instance
 * @property {Uint8Array} router
 * @property {import('./pour.js').FileBytes} file
 * @property {Uint8Array | undefined} digests the hash of what the router file's seal covers, and behind it that of the
 *   embedder file's, where the runtime can compute them faster than wasm
 */

/** A router file ends with the SHA-256 of all before it. */
const SEAL = 32;

/** Runs of a rehearsal: V8 has then ordered its faster code for what an embedding is made of. */
const REHEARSALS = 2;

/** One instance. All routers share it; once anything in it has failed, it is left, and the next start makes another. */
export class Instance {
  #dead = false;
  #rehearsed = false;

  /**
   * @param {Glue} glue
   * @param {WebAssembly.Memory} memory
   */
  constructor(glue, memory) {
    this.glue = glue;
    this.memory = memory;
    this.simd = glue.simd();
  }

  get dead() {
    return this.#dead;
  }

  /**
   * Calls into it. Whatever is thrown there comes out as a PointsmanError; what no error of the engine's own is, a trap
   * or a panic, leaves the instance in a state that nobody knows.
   *
   * @template T
   * @param {() => T} use
   * @returns {T}
   */
  call(use) {
    try {
      return use();
    } catch (thrown) {
      if (isFault(thrown)) this.#end();
      throw fromEngine(thrown);
    }
  }

  /** Runs a small transformer before there is a real one, while files are on their way: the first prompts find it compiled. */
  rehearse() {
    if (this.#rehearsed) return;
    this.#rehearsed = true;
    this.call(() => this.glue.rehearse(REHEARSALS));
  }

  /** Frees an object, where that is still safe. @param {{ free(): void, __destroy_into_raw?(): number }} object */
  release(object) {
    if (!this.#dead) object.free();
  }

  #end() {
    this.#dead = true;
    this.glue.end();
  }
}

/**
 * The instance of each kind of glue, or its start under way.
 *
 * @type {WeakMap<() => Glue, Promise<Instance>>}
 */
const started = new WeakMap();

/**
 * Starts the wasm module on the first call; later calls share that one instance, as long as it lives. A start that
 * failed may be tried again.
 *
 * @param {{ bind: () => Glue, open: import('./bytes.js').Open }} host
 * @param {() => unknown} wasm where it is; asked once
 * @returns {Promise<Instance>}
 */
export async function start(host, wasm) {
  const { bind } = host;
  const running = started.get(bind);
  const before = await running?.catch(() => undefined);
  if (before && !before.dead) return before;
  // While this call waited, another may have gone ahead.
  if (started.get(bind) !== running) return start(host, wasm);
  const starting = instantiate(host, before ? () => before.glue.compiled() ?? wasm() : wasm);
  started.set(bind, starting);
  return starting;
}

async function instantiate({ bind, open }, wasm) {
  const opened = await find(await wasm(), open);
  const glue = bind();
  try {
    // A compiled module starts without waiting, which is the only way some runtimes allow.
    const ready = opened instanceof WebAssembly.Module ? glue.initSync({ module: opened }) : await glue.default({ module_or_path: opened });
    return new Instance(glue, ready.memory);
  } catch (cause) {
    throw new PointsmanError('ENGINE', `the WebAssembly module cannot start: ${cause.message}`, { cause });
  }
}

/** What is pinned is read as a whole before it is compiled; what is not compiles as it comes. */
async function find(source, open) {
  if (Object(source).src !== undefined) return load('wasm', source, { open, report() {} });
  const isToOpen = source instanceof URL || source instanceof Response || typeof source === 'string';
  return isToOpen ? openOk('wasm', source, open) : source;
}

/**
 * Both files of a tier, and an instance for them, all under way at once. Where one fails, the others stop.
 *
 * @param {import('./core.js').Host} host
 * @param {import('./tiers.js').Files} files
 * @param {object} how
 * @param {() => unknown} how.wasm where the module is
 * @param {import('./bytes.js').Report} [how.report]
 * @param {AbortSignal} [how.signal] ends it from outside
 * @returns {Promise<Parts>}
 */
export async function gather(host, files, { wasm, report = () => {}, signal }) {
  const stop = new AbortController();
  const way = { open: host.open, report, signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal };
  const loading = load('router', files.router, way);
  const starting = start(host, wasm).then((instance) => {
    if (files.rehearse) instance.rehearse();
    return instance;
  });
  const pouring = pour(files.embedder, way, starting);
  try {
    // Where both files fail, the router's failure is told: so it is waited for itself, and not only what follows from it.
    const [{ router, digest: first }, { instance, file, digest: second }] = await Promise.all([loading.then(sealed), pouring, starting, loading]);
    return { instance, router, file, digests: first && second && new Uint8Array([...first, ...second]) };
  } catch (error) {
    stop.abort();
    pouring.then(({ instance, file }) => instance.release(file), () => {}); // one that failed has freed its own
    throw error;
  }
}

/** A copy, as the caller's own bytes could change after they are hashed. */
async function sealed(bytes) {
  const router = bytes.slice();
  return { router, digest: await sha256(router.subarray(0, -SEAL)) };
}
