/** A Worker that does nothing but decide, bundled with the `workerd` condition and run in the real workerd. */

import { readFile, readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { build } from 'esbuild';
import { Log, LogLevel, Miniflare } from './miniflare.mjs';

/** The default rules of wrangler, for the kinds of file that this package has. */
const MODULE_TYPES = { '.js': 'ESModule', '.wasm': 'CompiledWasm', '.bin': 'Data' };

/** `pointsman` itself, whose files are modules of the Worker; examples/worker is about the rest. */
const WORKER = `
import { createRouter } from 'pointsman';
let router;
export default {
  async fetch(request) {
    router ??= await createRouter();
    try {
      const { prompt } = await request.json();
      return Response.json(await router.route(prompt));
    } catch ({ code, message }) {
      return Response.json({ code, message }, { status: 400 });
    }
  },
};
`;

/**
 * @param {import('node:test').TestContext} t the Worker stops with this test
 * @param {string} folder a project that can resolve `pointsman`
 * @param {{ code?: string, outboundService?: (request: any) => any }} [options] another Worker; what answers its requests
 * @returns {Promise<(prompt: import('pointsman').Input) => Promise<Response>>} posts a prompt to it
 */
export async function startWorker(t, folder, { code = WORKER, ...options } = {}) {
  const outdir = join(folder, 'bundle');
  await build({
    stdin: { contents: code, resolveDir: folder },
    outfile: join(outdir, 'index.js'),
    bundle: true,
    format: 'esm',
    conditions: ['workerd'],
    loader: { '.wasm': 'copy', '.bin': 'copy' },
    logLevel: 'warning',
  });
  const worker = new Miniflare({
    modules: await modulesIn(outdir),
    compatibilityDate: '2026-07-01',
    cf: false, // no look-up of the request's place in the world
    log: new Log(LogLevel.WARN),
    ...options,
  });
  t.after(() => worker.dispose());
  const url = await worker.ready;
  return (prompt) => worker.dispatchFetch(url, { method: 'POST', body: JSON.stringify({ prompt }) });
}

/** Every file of a bundle as a module; the entry comes first. */
async function modulesIn(folder) {
  const names = (await readdir(folder)).sort((a, b) => Number(b === 'index.js') - Number(a === 'index.js'));
  return Promise.all(names.map(async (name) => {
    const contents = await readFile(join(folder, name));
    return { type: MODULE_TYPES[extname(name)], path: name, contents };
  }));
}
