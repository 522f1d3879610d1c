/** The wasm instance, and the files on their way into it. */

import { load, openOk } from './bytes.js';
import { PointsmanError } from './error.js';
import { pour } from './pour.js';

/** @typedef {typeof import('./wasm/pointsman.js')} Glue the generated module that wraps either wasm file */

/**
 * The one instance of each glue module, or its start under way: two at a time would tear each other's objects.
 *
 * @type {WeakMap<Glue, Promise<WebAssembly.Memory>>}
 */
const started = new WeakMap();

/**
 * Starts the wasm module on the first call; later calls share that one instance. A start that failed may be tried again.
 *
 * @param {{ glue: Glue, open: import('./bytes.js').Open }} host
 * @param {() => unknown} wasm where it is; asked once
 * @returns {Promise<WebAssembly.Memory>} the instance's memory
 */
export function start({ glue, open }, wasm) {
  const running = started.get(glue);
  if (running) return running;
  const starting = instantiate(glue, wasm(), open).catch((error) => {
    started.delete(glue);
    throw error;
  });
  started.set(glue, starting);
  return starting;
}

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

/**
 * Both files of a tier, and an instance for them, all under way at once. Where one fails, the others stop.
 *
 * @param {{ glue: Glue, open: import('./bytes.js').Open }} host
 * @param {import('./tiers.js').Files} files
 * @param {object} how
 * @param {import('./bytes.js').Report} how.report
 * @param {() => Promise<WebAssembly.Memory>} how.starting
 * @param {AbortSignal} [how.signal] ends it from outside
 */
export async function gather({ glue, open }, files, { report, starting, signal }) {
  const stop = new AbortController();
  const way = { open, report, signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal };
  const loading = load('router', files.router, way);
  const running = starting();
  const pouring = pour(files.embedder, way, glue, running);
  try {
    const [router, poured] = await Promise.all([loading, pouring, running]);
    return { router, ...poured };
  } catch (error) {
    stop.abort();
    pouring.then(({ file }) => file.free(), () => {}); // one that failed has freed its own
    throw error;
  }
}
