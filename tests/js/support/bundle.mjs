/** Builds a copy of examples/page with each bundler, as its users would. */

import { copyFile, cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import webpack from 'webpack';
import { BIN } from './paths.mjs';
import { run } from './run.mjs';

/** What esbuild does not do by itself, and other bundlers do: find files and workers behind `new URL`. */
const FILES = { '.wasm': 'file', '.bin': 'file' };

/** @returns {Promise<string>} the folder to serve; so do the others */
export async function withVite(folder) {
  await run(join(BIN, 'vite'), ['build', '--logLevel', 'warn'], { cwd: folder });
  return join(folder, 'dist');
}

export async function withWebpack(folder) {
  const dist = join(folder, 'dist');
  const stats = await promisify(webpack)({
    mode: 'production',
    context: folder,
    entry: './main.js',
    output: { path: dist },
    optimization: { minimize: false }, // which takes seconds and is not in question
    performance: { hints: false },
  });
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  if (errors.length + warnings.length > 0) throw new Error(stats.toString());
  // A classic script, which is what webpack makes unless told otherwise.
  const html = await readFile(join(folder, 'index.html'), 'utf8');
  await writeFile(join(dist, 'index.html'), html.replace('type="module" src="./main.js"', 'defer src="./main.js"'));
  return dist;
}

/** `pointsman/slim`, with the files as imports. */
export async function withEsbuild(folder) {
  const dist = join(folder, 'dist');
  await build({ ...esbuild(dist), entryPoints: [join(folder, 'main.js')], loader: FILES });
  await copyFile(join(folder, 'index.html'), join(dist, 'index.html'));
  return dist;
}

/** `pointsman/worker`: the thread as an entry of its own, and the files beside it, where it looks for them. */
export async function withEsbuildWorker(folder) {
  const dist = join(folder, 'dist');
  const pkg = join(folder, '..', 'node_modules', 'pointsman');
  await build({ ...esbuild(dist), entryPoints: [join(folder, 'main.js'), join(pkg, 'worker', 'browser-thread.js')], entryNames: '[name]' });
  for (const part of ['wasm', 'assets']) await cp(join(pkg, part), join(dist, part), { recursive: true });
  await copyFile(join(folder, 'index.html'), join(dist, 'index.html'));
  return dist;
}

function esbuild(outdir) {
  return { outdir, bundle: true, format: 'esm', target: 'es2022', logLevel: 'warning' };
}
