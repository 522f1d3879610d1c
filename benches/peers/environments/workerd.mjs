/** The real workerd, through miniflare: every job is a fresh process. */

import { readFile, readdir } from 'node:fs/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { pid } from 'node:process';
import { build } from 'esbuild';
import { Log, LogLevel, Miniflare } from 'miniflare';
import { measure, measureFloor } from '../measure.mjs';
import { HARNESS, fileAt } from '../places.mjs';
import { raise } from '../priority.mjs';
import { median } from '../statistics.mjs';

const WORKERS = join(HARNESS, 'environments', 'workers');
const MODULE_TYPES = { '.js': 'ESModule', '.wasm': 'CompiledWasm', '.bin': 'Data', '.onnx': 'Data' };
const LOADERS = { '.wasm': 'copy', '.bin': 'copy', '.onnx': 'copy' };
const ORT = 'npm/onnxruntime-web/dist/';
/** Calls to a request: enough to drown what is left of a request's own time. */
const CALLS = 4;
const BLANKS = 31;

/** What the names stand for that a Worker imports, by adapter. */
const IMPORTS = {
  ours: ({ workerd, wasm }) => ({ 'bench-package': workerd, 'bench-wasm': wasm }),
  onnxruntime: ({ model }) => ({
    'bench-package': `${ORT}ort.wasm.bundle.min.mjs`,
    'bench-wasm': `${ORT}ort-wasm-simd-threaded.wasm`,
    'bench-model': model,
  }),
  rten: ({ wasm, model }) => ({ 'bench-wasm': wasm, 'bench-model': model }),
  floor: ({ simd128, relaxed }) => ({ 'bench-simd128': simd128, 'bench-relaxed': relaxed }),
};

export function workerd() {
  const { version } = createRequire(import.meta.url)('workerd/package.json');
  return { id: 'workerd', title: `workerd ${version}`, kind: 'workerd', run };
}

async function run(job, { mounts, nice, timeoutMs }) {
  const folder = mkdtempSync(join(tmpdir(), 'pointsman-bench-'));
  let worker;
  let timer;
  try {
    await bundle(job, mounts, folder);
    worker = new Miniflare({
      modules: await modulesIn(folder),
      compatibilityDate: '2026-07-01',
      cf: false, // no look-up of the request's place in the world
      log: new Log(LogLevel.NONE),
    });
    const subject = new Remote(await worker.ready);
    raise(pid, nice);
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no result after ${timeoutMs / 1000} s`)), timeoutMs);
    });
    return await Promise.race([late, measured(subject, job, mounts)]);
  } finally {
    clearTimeout(timer);
    await worker?.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measured(subject, { adapter, loop, fidelity }, mounts) {
  if (adapter === 'floor') return measureFloor(subject, loop);
  const reference = fidelity ? JSON.parse(await readFile(fileAt(mounts, 'data/reference.json'), 'utf8')) : undefined;
  return measure(subject, loop, reference);
}

async function bundle({ adapter, config }, mounts, folder) {
  const places = { ...IMPORTS[adapter](config), 'bench-texts': 'data/texts.json' };
  const file = (place) => (place ? fileAt(mounts, place) : join(WORKERS, 'none.mjs'));
  await build({
    entryPoints: { index: join(WORKERS, `${adapter}.mjs`) },
    outdir: folder,
    bundle: true,
    format: 'esm',
    conditions: ['workerd'],
    alias: Object.fromEntries(Object.entries(places).map(([name, place]) => [name, file(place)])),
    external: ['node:*', 'module', 'worker_threads'], // which onnxruntime-web imports in Node alone
    loader: LOADERS,
    logLevel: 'error',
  });
}

/** Every file of the bundle as a module; the entry comes first. */
async function modulesIn(folder) {
  const names = (await readdir(folder)).sort((a, b) => Number(b === 'index.js') - Number(a === 'index.js'));
  return Promise.all(names.map(async (name) => {
    const contents = await readFile(join(folder, name));
    return { type: MODULE_TYPES[extname(name)], path: name, contents };
  }));
}

/** @implements {import('../measure.mjs').Subject} */
class Remote {
  #url;
  #blank = 0;
  operations = [];

  constructor(url) {
    this.#url = url;
  }

  /** The modules are compiled before the first request, so this start is shorter than those elsewhere. */
  async start() {
    const begun = performance.now();
    this.operations = await this.#ask({ what: 'start' });
    const load = performance.now() - begun;
    const first = await this.#timed(1, { operation: this.operations[0], set: '16', index: 0 });
    const blanks = [];
    for (let i = 0; i < BLANKS; i++) blanks.push(await this.#timed(0, {}));
    this.#blank = median(blanks);
    return { load, first };
  }

  /** The mean of a few calls in a row, less what the request itself takes. */
  async time(operation, set, index, calls = CALLS) {
    const took = await this.#timed(calls, { operation, set, index: index * calls });
    return (took - this.#blank) / calls;
  }

  async vectors() {
    return this.#ask({ what: 'vectors' });
  }

  async facts() {
    return this.#ask({ what: 'facts' });
  }

  async #timed(count, call) {
    const begun = performance.now();
    await this.#ask({ what: 'call', count, ...call });
    return performance.now() - begun;
  }

  async #ask(question) {
    const response = await fetch(this.#url, { method: 'POST', body: JSON.stringify(question) });
    const { value, error } = await response.json();
    if (error) throw new Error(error);
    return value;
  }
}
