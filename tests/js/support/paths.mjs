/** Where things are, and folders to work in that go away with the test file. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const PKG = join(ROOT, 'pkg');
export const BIN = join(ROOT, 'node_modules', '.bin');

/** A new empty folder, removed when the test file has run. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'pointsman-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
