import type { Pinned, Router, RouterOptions } from '../index.js';

export type * from '../index.js';
export { PointsmanError, explain, mergeStates } from '../index.js';

/**
 * Loads a router from the caller's own files. It is the `createRouter` of `pointsman`, but this entry names no file, so
 * that a bundler emits none: for files on a CDN, in a bucket or in a cache, and for bundlers that do not follow
 * `new URL(..., import.meta.url)`. The package exports them as `pointsman/pointsman.wasm`, `pointsman/router.bin` and
 * `pointsman/embedder.bin`, with their hashes in `pointsman/assets.json`.
 *
 * @throws {PointsmanError} as `createRouter` of `pointsman` does, and `BAD_INPUT` where one of the three is missing.
 */
export function createRouter(options: SlimOptions): Promise<Router>;

/** The options of `pointsman`, where the three files are not optional. */
export interface SlimOptions extends RouterOptions {
  readonly router: Pinned;
  readonly embedder: Pinned;
  /**
   * The WebAssembly module. All routers of a page or process share one instance, so only the first router's choice
   * counts. A Cloudflare Worker can only take a `WebAssembly.Module` that it imports.
   */
  readonly wasm: NonNullable<RouterOptions['wasm']>;
}
