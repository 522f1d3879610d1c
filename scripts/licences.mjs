/**
 * Writes pkg/THIRD-PARTY-LICENSES.txt: the notices that the authors of what is in the package's binary files ask for, as
 * their licences say. Which those are, pkg/sbom.cdx.json tells; their texts lie in the sources that cargo has fetched.
 *
 * Runs after sbom.mjs. Usage: node scripts/licences.mjs [OUT]
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../', import.meta.url);
/** Where a crate lets us choose, the first of these: the shorter text, which names its authors. */
const CHOICE = ['MIT', 'Zlib', 'Apache-2.0'];
const NOTICE = /^(licen[cs]e|copying|notice)/i;
const RULE = '='.repeat(100);

const read = (path) => readFileSync(new URL(path, ROOT), 'utf8');
const apache = read('LICENSE-APACHE');
const mit = read('LICENSE-MIT').replace(/^Copyright.*\n\n?/m, '');

/** @returns {Map<string, any>} what cargo knows of each crate, by name and version */
function packages() {
  const args = ['metadata', '--locked', '--format-version', '1', '--filter-platform', 'wasm32-unknown-unknown'];
  const { packages: all } = JSON.parse(execFileSync('cargo', args, { cwd: fileURLToPath(ROOT), encoding: 'utf8', maxBuffer: 2 ** 28 }));
  return new Map(all.map((crate) => [`pkg:cargo/${crate.name}@${crate.version}`, crate]));
}

/** @returns {string[]} the licences that hold for us */
function taken(expression) {
  return expression.replace(/[()]/g, '').split(' AND ').map((choice) => {
    const offered = choice.trim().split(' OR ');
    return CHOICE.find((licence) => offered.includes(licence)) ?? offered[0];
  });
}

/** The texts that a crate brings, but those of licences that we do not take. A crate without any has its authors named. */
function textsOf({ manifest_path: manifest, authors }, licences) {
  const folder = dirname(manifest);
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile() && NOTICE.test(entry.name)).map(({ name }) => name);
  const others = ['MIT', 'APACHE', 'ZLIB', 'UNLICENSE'].filter((name) => !licences.some((licence) => licence.toUpperCase().startsWith(name)));
  const wanted = names.filter((name) => !others.some((other) => name.toUpperCase().includes(other)));
  if (wanted.length > 0) return wanted.sort().map((name) => readFileSync(join(folder, name), 'utf8'));
  return [`The crate brings no text. Its authors: ${authors.join(', ') || 'not named'}. Its licence:\n\n${mit}`];
}

const known = packages();
/** @type {Map<string, string[]>} */
const users = new Map();
const add = (text, user) => {
  const plain = text.replaceAll('\r\n', '\n').replace(/[ \t]+$/gm, '').trim();
  users.set(plain, [...users.get(plain) ?? [], user]);
};
for (const { purl = '', name, version, licenses } of JSON.parse(read('pkg/sbom.cdx.json')).components) {
  const crate = known.get(purl);
  if (!crate || name.startsWith('pointsman')) continue;
  const licences = taken(licenses[0].expression);
  for (const text of textsOf(crate, licences)) add(text, `${name} ${version} (${licences.join(' and ')})`);
}
add(apache, 'the standard library of Rust, by the Rust Project Contributors (Apache-2.0)');
add(apache, 'all-MiniLM-L6-v2, by the sentence-transformers authors, whose weights the embedder files are made from (Apache-2.0)');

const sections = [...users].map(([text, of]) => `${RULE}\n${of.sort().join('\n')}\n${RULE}\n\n${text}\n`).sort();
writeFileSync(argv[2] ?? new URL('pkg/THIRD-PARTY-LICENSES.txt', ROOT), `What is in the files of this package beside pointsman itself, and under which terms.\n\n${sections.join('\n')}`);
