/** Projects that use the package: the packed tarball, and examples with it installed. */

import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PKG, ROOT, temporaryFolder } from './paths.mjs';
import { run } from './run.mjs';

/**
 * Packs pkg/ as `npm publish` would.
 *
 * @returns {Promise<{ tarball: string, files: string[], bytes: number }>}
 */
export async function pack() {
  const folder = temporaryFolder();
  const printed = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: PKG });
  // One npm prints a list of packages, another an object of them by name.
  const [packed] = Object.values(JSON.parse(printed));
  return {
    tarball: join(folder, packed.filename),
    files: packed.files.map((file) => file.path).sort(),
    bytes: packed.size,
  };
}

/** A copy of one example with the tarball installed in it. */
export async function install(example, tarball) {
  const folder = join(temporaryFolder(), example);
  await cp(join(ROOT, 'examples', example), folder, { recursive: true });
  await run('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball], { cwd: folder });
  return folder;
}

/**
 * A copy of one example inside a project, where it finds what the project has installed.
 *
 * @param {string} project
 * @param {string} example
 * @param {string} [entry] which entry of the package it imports in place of `pointsman`
 * @param {string} [suffix] tells its folder from others of the same
 * @returns {Promise<string>} its folder
 */
export async function place(project, example, entry = 'pointsman', suffix = '') {
  const folder = join(project, [example, ...entry.split('/'), suffix].join('-'));
  await cp(join(ROOT, 'examples', example), folder, { recursive: true });
  const script = join(folder, example === 'page' ? 'main.js' : 'index.js');
  const code = await readFile(script, 'utf8');
  await writeFile(script, code.replace("from 'pointsman'", `from '${entry}'`));
  return folder;
}

/**
 * A copy of one example, or an empty folder, that sees pkg/ itself as the installed package.
 *
 * @param {string} [example]
 * @param {Record<string, string>} [others] further packages that it sees, and what they are called in this workspace
 */
export async function link(example, others = {}) {
  const folder = join(temporaryFolder(), 'project');
  if (example) await cp(join(ROOT, 'examples', example), folder, { recursive: true });
  const installed = { pointsman: PKG, ...mapped(others, (name) => join(ROOT, 'node_modules', name)) };
  for (const [name, place] of Object.entries(installed)) {
    const seen = join(folder, 'node_modules', name);
    await mkdir(dirname(seen), { recursive: true });
    await symlink(place, seen);
  }
  return folder;
}

/** The real clients, under the names that their users know. */
export const CLIENTS = {
  openai: 'openai',
  '@langchain/openai': '@langchain/openai',
  ai: 'ai7',
  '@ai-sdk/openai-compatible': 'provider7',
};

function mapped(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
