/** The versions of Node that the package is run in: those of tests/js/nodes, which `scripts/setup.sh nodes` brings. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { arch, env, platform } from 'node:process';
import { ROOT } from './paths.mjs';

/** npm has them for Linux on x64; elsewhere, or where they were not brought, a reason to skip. */
export const NODES = [20, 24].map((major) => {
  const binary = join(ROOT, 'tests', 'js', 'nodes', 'node_modules', `node-${major}`, 'bin', 'node');
  return { major, binary, skip: isAbsent(binary) && `run scripts/setup.sh nodes to bring Node ${major} (Linux on x64)` };
});

function isAbsent(binary) {
  const isExpected = env.POINTSMAN_COMPLETE && platform === 'linux' && arch === 'x64';
  return !isExpected && !existsSync(binary);
}
