/**
 * Writes pkg/assets/assets.json: for each binary file that the package exports, by the name it is exported as, its
 * SHA-256 and its length, so that whoever hosts a copy elsewhere can pin it.
 */

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const PKG = new URL('../pkg/', import.meta.url);

const { exports } = JSON.parse(readFileSync(new URL('package.json', PKG), 'utf8'));
const binaries = Object.entries(exports).filter(([name]) => /\.(wasm|bin)$/.test(name));
const assets = Object.fromEntries(binaries.map(([name, path]) => {
  const bytes = readFileSync(new URL(path, PKG));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return [name.replace('./', ''), { sha256, bytes: bytes.length }];
}));
writeFileSync(new URL('assets/assets.json', PKG), `${JSON.stringify(assets, null, 2)}\n`);
