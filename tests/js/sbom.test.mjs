/** The bill of materials is valid, names all that is in the binary files, and is the same whenever it is written. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { PKG, ROOT, temporaryFolder } from './support/paths.mjs';
import { run } from './support/run.mjs';

const TEXT = readFileSync(join(PKG, 'sbom.cdx.json'), 'utf8');
const SBOM = JSON.parse(TEXT);
const { exports } = JSON.parse(readFileSync(join(PKG, 'package.json'), 'utf8'));
/** Other people's. */
const CRATES = SBOM.components.filter(({ purl }) => purl?.startsWith('pkg:cargo/') && !/\/pointsman(-gpu)?@/.test(purl));
/** Each wasm file, and a crate that is certainly in it. */
const WASM = { 'pointsman.wasm': 'tract-core', 'pointsman-relaxed.wasm': 'tract-core', 'pointsman-gpu.wasm': 'wgpu' };
/** What Rust's standard library brings and no Cargo.lock of ours knows. */
const OF_STANDARD_LIBRARY = ['dlmalloc', 'rustc-demangle'];

test('it is valid CycloneDX', async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  assert.equal(await validator.validate(TEXT), null);
  assert.notEqual(await validator.validate(TEXT.replace('"type": "library"', '"type": "books"')), null);
});

test('it pins every binary file of the package', () => {
  const binaries = Object.entries(exports).filter(([name]) => /\.(wasm|bin)$/.test(name));
  for (const [name, path] of binaries) {
    const sha256 = createHash('sha256').update(readFileSync(join(PKG, path))).digest('hex');
    assert.deepEqual(component(name.replace('./', '')).hashes, [{ alg: 'SHA-256', content: sha256 }], name);
  }
});

test('every crate has a licence and the checksum of its source', () => {
  assert.ok(CRATES.some(({ name }) => name === 'tract-core'));
  for (const { name, hashes, licenses } of CRATES) {
    assert.match(hashes[0].content, /^[0-9a-f]{64}$/, name);
    assert.match(licenses[0].expression, /^[A-Za-z0-9.() -]+$/, name);
  }
});

test('the notices of every crate are beside it', () => {
  const notices = readFileSync(join(PKG, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  const missing = CRATES.filter((crate) => !new RegExp(`^${crate.name} ${crate.version.replaceAll('.', '\\.')} \\(`, 'm').test(notices));
  assert.deepEqual(missing, []);
  assert.match(notices, /all-MiniLM-L6-v2/);
});

test('of each part it says what that depends on, down from the package', () => {
  const below = new Map(SBOM.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const reached = new Set();
  const follow = (ref) => {
    if (reached.has(ref)) return;
    reached.add(ref);
    below.get(ref).forEach(follow);
  };
  follow(SBOM.metadata.component['bom-ref']);
  reached.delete(SBOM.metadata.component['bom-ref']);
  assert.deepEqual([...reached].sort(), SBOM.components.map((each) => each['bom-ref']));
});

for (const [name, certain] of Object.entries(WASM)) {
  test(`every crate that ${name} names is in it, and no tool of the build`, () => {
    const text = readFileSync(join(PKG, exports[`./${name}`]), 'latin1');
    // What a panic says names its place.
    const named = new Set([...text.matchAll(/([a-z][a-z0-9_-]+)-(\d+\.\d+\.\d+)\/src\//g)].map(([, crate, version]) => `${crate}@${version}`));
    assert.ok([...named].some((crate) => crate.startsWith(`${certain}@`)));
    const missing = [...named].filter((crate) => !component(`pkg:cargo/${crate}`));
    assert.deepEqual(missing.filter((crate) => !OF_STANDARD_LIBRARY.includes(crate.split('@')[0])), []);
    assert.deepEqual(SBOM.components.filter((each) => ['syn', 'serde_derive', 'cc', 'criterion', 'clap'].includes(each.name)), []);
  });
}

for (const [script, file] of [['sbom', 'sbom.cdx.json'], ['licences', 'THIRD-PARTY-LICENSES.txt']]) {
  test(`written again, ${file} is the same`, async () => {
    const again = join(temporaryFolder(), file);
    await run('bash', ['-c', `. scripts/lib.sh; . scripts/wasm-flags.sh; node scripts/${script}.mjs "$0"`, again], { cwd: ROOT });
    assert.equal(readFileSync(again, 'utf8'), readFileSync(join(PKG, file), 'utf8'));
  });
}

function component(ref) {
  return SBOM.components.find((each) => each['bom-ref'] === ref);
}
