/** Where things are. A place is `mount/path`, which every environment can turn into a URL. */

import { homedir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';

export const HARNESS = fileURLToPath(new URL('.', import.meta.url));
export const ROOT = join(HARNESS, '..', '..');
/** What set-up fetched and made; the same folder as in scripts/lib.sh. */
export const CACHE = join(env.POINTSMAN_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pointsman'), 'peers');

/**
 * What an adapter may load is below one of these folders, or below `ours` and `stock`, which the command line names.
 * The harness's own files and data count as no one's bytes.
 */
export const MOUNTS = {
  harness: HARNESS,
  data: join(CACHE, 'data'),
  npm: join(HARNESS, 'node_modules'),
  models: join(CACHE, 'models'),
  built: join(CACHE, 'built'),
};

/** The file at a place, or undefined where there is no such mount or the path leads out of it. */
export function fileAt(mounts, place) {
  const [mount, ...rest] = place.split('/');
  if (!Object.hasOwn(mounts, mount) || rest.includes('..')) return undefined;
  return join(mounts[mount], ...rest);
}
