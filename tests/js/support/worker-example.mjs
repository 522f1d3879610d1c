/** examples/worker, bundled as wrangler does it and run in the real workerd, with its assets and its Durable Object. */

import { readFile, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { build } from 'esbuild';
import { Log, LogLevel, Miniflare } from './miniflare.mjs';
import { link } from './consumer.mjs';
import { PKG, temporaryFolder } from './paths.mjs';

const MODULE_TYPES = { '.js': 'ESModule', '.wasm': 'CompiledWasm' };
export const ACCESS_KEY = 'the key of every client';
export const TOKEN_SECRET = 'a secret of this test only';

let bundled;

/** The modules of the Worker; the entry comes first. */
export function bundle() {
  return bundled ??= (async () => {
    const [folder, outdir] = [await link('worker'), temporaryFolder()];
    await build({
      entryPoints: [join(folder, 'index.js')],
      outdir,
      bundle: true,
      format: 'esm',
      conditions: ['workerd'],
      external: ['cloudflare:workers'],
      loader: { '.wasm': 'copy' },
      logLevel: 'warning',
    });
    const names = (await readdir(outdir)).sort((a, b) => Number(b === 'index.js') - Number(a === 'index.js'));
    return Promise.all(names.map(async (name) => ({ type: MODULE_TYPES[extname(name)], path: name, contents: await readFile(join(outdir, name)) })));
  })();
}

/**
 * @typedef {object} Example
 * @property {(path: string, body?: unknown, init?: any) => Promise<Response>} ask
 * @property {(isolate: string, path: string, body?: unknown, init?: any) => Promise<Response>} askAt asks one of several
 * @property {() => Promise<any>} settled the Learner's figures, once all that was learned is merged
 * @property {URL} url
 * @property {() => Promise<void>} stop
 */

/**
 * @param {object} options
 * @param {Record<string, any>} options.vars over the ones that any test needs
 * @param {string} [options.assets] folder of the files
 * @param {string} [options.persist] folder that outlives the Worker
 * @param {string[]} [options.isolates] names; the Durable Object is the first one's
 * @param {(text: string) => void} [options.log] hears what workerd writes; unless given, it is shown
 * @returns {Promise<Example>}
 */
export async function startExample({ vars, assets = join(PKG, 'assets'), persist, isolates = ['first'], log }) {
  const modules = await bundle();
  const [owner] = isolates;
  const worker = new Miniflare({
    workers: isolates.map((name) => ({
      name,
      modules,
      routes: [`${name}.test/*`],
      compatibilityDate: '2026-07-01',
      bindings: { ACCESS_KEY, TOKEN_SECRET, ...vars },
      assets: {
        directory: assets,
        binding: 'ASSETS',
        workerName: name,
        routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true }, // wrangler's run_worker_first
      },
      durableObjects: { LEARNER: { className: 'Learner', useSQLite: true, ...(name !== owner && { scriptName: owner }) } },
    })),
    ...(persist && { durableObjectsPersist: persist }),
    ...(log && { handleRuntimeStdio: (...outputs) => outputs.forEach((output) => output.setEncoding('utf8').on('data', log)) }),
    cf: false,
    log: new Log(LogLevel.WARN),
  });
  const url = await worker.ready;
  const askAt = (isolate, path, body, init) => worker.dispatchFetch(`http://${isolate}.test${path}`, requestOf(body, init));
  const ask = (path, body, init) => askAt(owner, path, body, init);
  const stats = async () => (await (await ask('/stats')).json()).learner;
  return { ask, askAt, url, settled: () => patiently(stats), stop: () => worker.dispose() };
}

/** Names the files of a tier, as the Worker does. */
export async function filesOf(tier) {
  const assets = JSON.parse(await readFile(join(PKG, 'assets', 'assets.json'), 'utf8'));
  return `${tier}-${assets[tier === 'static' ? 'router-static.bin' : 'router.bin'].sha256}`;
}

/**
 * The Durable Object alone, called from this process.
 *
 * @param {Record<string, any>} vars
 */
export async function startLearner(vars) {
  const worker = new Miniflare({
    modules: await bundle(),
    compatibilityDate: '2026-07-01',
    bindings: vars,
    durableObjects: { LEARNER: { className: 'Learner', useSQLite: true } },
    cf: false,
    log: new Log(LogLevel.WARN),
  });
  const learners = await worker.getDurableObjectNamespace('LEARNER');
  return {
    open: async (name) => /** @type {any} */ (learners.get(learners.idFromName(name))),
    settled: (learner) => patiently(async () => ({ ...await learner.stats() })),
    stop: () => worker.dispose(),
  };
}

function requestOf(body, { headers = {}, ...init } = {}) {
  const sent = { authorization: `Bearer ${ACCESS_KEY}`, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers };
  const text = typeof body === 'string' || body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body);
  return { method: body === undefined ? 'GET' : 'POST', headers: sent, body: text, ...init };
}

/** The Learner's figures once all is merged: isolates deliver some seconds after the last outcome, it merges a second later. */
async function patiently(stats) {
  for (let round = 0; round < 300; round += 1) {
    const figures = await stats();
    if (figures.open === 0 && figures.pending === 0) return figures;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('what was learned did not arrive within 60 s');
}
