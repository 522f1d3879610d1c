/** Who takes part. Each peer is an adapter and what the adapter is told. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Mistake } from './options.mjs';

/** @typedef {{ title: string, adapter: string, config: Record<string, any>, environments?: string[] }} Peer */

/** onnxruntime-web is what every ratio is taken against. */
export const BASE = 'ort-int8';
const QUANTIZED = 'models/minilm/onnx/model_quantized.onnx';

/** Not a peer, but what none can beat: measured in the same rounds. */
export const FLOOR = {
  title: 'floor',
  adapter: 'floor',
  config: { simd128: 'built/floor-simd128.wasm', relaxed: 'built/floor-relaxed.wasm' },
};

/** Files of our package that hold one level of SIMD each, where it has been built with several. */
const LEVELS = { simd128: 'wasm/pointsman_simd128_bg.wasm', relaxed: 'wasm/pointsman_relaxed_bg.wasm' };

/**
 * @param {Record<string, string>} mounts `ours`, perhaps `stock`, and those of places.mjs
 * @returns {Record<string, Peer>}
 */
export function peers(mounts) {
  const found = {
    ...ours(mounts),
    [BASE]: { title: 'onnxruntime-web int8 (ids in)', adapter: 'onnxruntime', config: { model: QUANTIZED } },
    transformers: {
      title: 'transformers.js q8 (text in)',
      adapter: 'transformers',
      config: { models: 'models/', name: 'minilm' },
      environments: ['node', 'browser'], // it draws random numbers while it loads, which workerd forbids
    },
    ...rten(mounts),
  };
  if (mounts.stock) found.stock = { title: 'stock tract', adapter: 'ours', config: packageAt('stock', mounts.stock) };
  return found;
}

export function titles(mounts) {
  return Object.fromEntries(Object.entries(peers(mounts)).map(([name, { title }]) => [name, title]));
}

/** The package as its loader starts it, then with each of its wasm files. */
function ours(mounts) {
  const whole = packageAt('ours', mounts.ours);
  const found = { ours: { title: 'pointsman', adapter: 'ours', config: whole } };
  for (const [level, file] of Object.entries(LEVELS)) {
    if (!existsSync(join(mounts.ours, file))) continue;
    found[`ours-${level}`] = { title: `pointsman, ${level}`, adapter: 'ours', config: { ...whole, wasm: `ours/${file}` } };
  }
  return found;
}

/** The entries that a package's own manifest names for each environment. */
function packageAt(mount, folder) {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) throw new Mistake(`${folder} holds no npm package; it must be a built copy of pkg/ (make build)`);
  const { exports } = JSON.parse(readFileSync(manifest, 'utf8'));
  const entry = (condition) => `${mount}/${exports['.'][condition].replace('./', '')}`;
  return { node: entry('node'), browser: entry('browser'), workerd: entry('workerd') };
}

/** Built by set-up only where RUST_PEERS=1 asks for it. */
function rten({ built }) {
  if (!existsSync(join(built, 'rten.wasm'))) return {};
  return { rten: { title: 'rten int8 (ids in)', adapter: 'rten', config: { wasm: 'built/rten.wasm', model: QUANTIZED } } };
}
