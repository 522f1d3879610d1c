/** Where peers run: this Node and others, and the browsers and workerd where they are here. */

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { arch, execPath, platform } from 'node:process';
import { chromium, firefox } from './environments/browser.mjs';
import { node } from './environments/node.mjs';
import { workerd } from './environments/workerd.mjs';
import { Mistake } from './options.mjs';
import { CACHE } from './places.mjs';

/**
 * @typedef {object} Environment
 * @property {string} id
 * @property {string} title with its version
 * @property {'node' | 'browser' | 'workerd'} kind
 * @property {(job: object, context: { mounts: Record<string, string>, nice: number, timeoutMs: number }) => Promise<any>} run
 */

/** @returns {Environment[]} */
export function environments({ environments: wanted, node: binaries, nodes: versions }) {
  const makers = {
    node: () => [execPath, ...binaries, ...versions.map(fetchNode)].map(node),
    chromium: () => [chromium()],
    firefox: () => [firefox()],
    workerd: () => [workerd()],
  };
  const names = wanted ?? Object.keys(makers);
  const unknown = names.find((name) => !Object.hasOwn(makers, name));
  if (unknown) throw new Mistake(`--environments: "${unknown}" is none of ${Object.keys(makers).join(', ')}`);
  return names.flatMap((name) => {
    const found = makers[name]().filter(Boolean);
    if (found.length === 0) console.error(`${name} is not installed here, so it is left out`);
    return found;
  });
}

/** Node's binary of a version, from the package that npm keeps it in. */
function fetchNode(version) {
  const folder = join(CACHE, 'nodes', version);
  const name = `node-${platform}-${arch}`;
  const binary = join(folder, 'node_modules', name, 'bin', 'node');
  if (!existsSync(binary)) {
    console.error(`fetching Node ${version}`);
    const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    execFileSync('npm', ['install', '--prefix', folder, ...quietly, `${name}@${version}`], { stdio: 'inherit' });
  }
  return binary;
}
