/** The TypeScript compiler as a judge. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BIN, ROOT } from './paths.mjs';
import { run } from './run.mjs';

/**
 * Rejects with the compiler's words where the files do not pass `tsc --strict`.
 *
 * @param {string} folder that `pointsman` can be resolved from
 * @param {string[]} files
 * @param {object} [compilerOptions] over the usual ones
 */
export async function typeCheck(folder, files, compilerOptions = {}) {
  const project = join(folder, 'tsconfig.json');
  await writeFile(project, JSON.stringify({
    files,
    compilerOptions: {
      strict: true,
      noEmit: true,
      allowJs: true,
      checkJs: true,
      target: 'es2022',
      module: 'nodenext',
      lib: ['es2022', 'dom'],
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules', '@types')],
      preserveSymlinks: true,
      ...compilerOptions,
    },
  }));
  await run(join(BIN, 'tsc'), ['--project', project]);
}
