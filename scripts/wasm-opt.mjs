/**
 * Makes a wasm file smaller with binaryen from npm, and prints by how much.
 * Usage: node scripts/wasm-opt.mjs IN OUT [--relaxed-simd]
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { argv, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const WASM_OPT = fileURLToPath(new URL('../node_modules/binaryen/bin/wasm-opt', import.meta.url));
/** What rustc may emit for our targets; binaryen refuses a file that uses anything else. */
const FEATURES = [
  '--enable-simd', '--enable-bulk-memory', '--enable-nontrapping-float-to-int', '--enable-sign-ext',
  '--enable-mutable-globals', '--enable-reference-types', '--enable-multivalue',
];
/**
 * What runs for as long as a prompt does stays functions of its own, though they have one caller each: an engine optimises
 * small ones sooner, and keeps more of their numbers in registers. wasm-opt knows functions by name, and drops names last.
 */
const APART = ['*pointsman::embedder::kernel::*', '*pointsman::embedder::ops::*'].map((names) => `--no-inline=${names}`);

function sizes(file) {
  const bytes = readFileSync(file);
  const mb = (n) => `${(n / 1e6).toFixed(2)} MB`;
  return `${mb(bytes.length)} (${mb(gzipSync(bytes, { level: 9 }).length)} gzip)`;
}

function fail(message) {
  console.error(message);
  exit(1);
}

const [input, output, ...flags] = argv.slice(2);
const relaxed = flags.includes('--relaxed-simd');
if (!output || flags.length > Number(relaxed)) {
  console.error('usage: node scripts/wasm-opt.mjs IN OUT [--relaxed-simd]');
  exit(2);
}
if (!existsSync(WASM_OPT)) fail('binaryen is not installed; run "npm ci --ignore-scripts"');
const features = relaxed ? [...FEATURES, '--enable-relaxed-simd'] : FEATURES;
const part = `${output}.part`;
const { status } = spawnSync(execPath, [WASM_OPT, input, '-o', part, ...APART, '-Oz', ...features], { stdio: 'inherit' });
if (status !== 0) {
  rmSync(part, { force: true });
  fail(`wasm-opt could not read or improve ${input}`);
}
const before = sizes(input);
renameSync(part, output);
console.log(`wasm-opt: ${before} -> ${sizes(output)}`);
