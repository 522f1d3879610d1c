/// <reference lib="esnext.disposable" />

import type { Feedback, Router, RouterOptions, Stats } from '../index.js';

export type * from '../index.js';
export { PointsmanError, explain } from '../index.js';

/**
 * Loads a router on a thread of its own: a Web Worker in a browser, a worker thread in Node. The caller's thread never
 * waits for an embedding. Every router has its own thread and some 45 MB of memory there: create one and keep it.
 *
 * ```js
 * import { createRouter } from 'pointsman/worker';
 *
 * const router = await createRouter();
 * const { model } = await router.route('Prove that there are infinitely many primes.');
 * ```
 *
 * The options are those of `pointsman`. **Bytes given as `router`, `embedder` or `wasm` are moved to the thread, not
 * copied**: afterwards they are empty here, so give `bytes.slice()` where you still need them. (A view of a part of a
 * larger buffer is copied, because what lies beside it is not the router's to take.) A `Response` is read here first.
 * `onProgress`, `onTier` and `onDecision` are called on the caller's thread.
 *
 * @throws {PointsmanError} as `createRouter` of `pointsman` does; also `BAD_INPUT` an option that cannot be sent to a
 *   thread; `ENGINE` no thread can be started, as in a Cloudflare Worker, where there are none.
 */
export function createRouter(options?: RouterOptions): Promise<WorkerRouter>;

/**
 * A loaded router on a thread of its own. It is a {@link Router} but for the methods that are no promises
 * there (`feedback`, `receipt`, `stats` and those of the learned state): their results come from another thread, so they are promises too. Code that awaits them runs
 * on either kind.
 *
 * Calls are answered in the order in which they are made. What is thrown on the thread rejects the caller's promise with
 * a `PointsmanError` of the same code and message, whose `cause` is the cause's stack as a text.
 *
 * A thread that dies rejects every call in flight, and every later one, with `ENGINE`: create a new router. (Of a Web
 * Worker that the browser killed without an error, only the Web Locks API can tell, which needs https or localhost.)
 * Calls in flight when the router is disposed reject with `BAD_INPUT`, as those after it do.
 */
export interface WorkerRouter extends Pick<Router, 'candidates' | 'rank' | 'assign' | 'embed'>, AsyncDisposable {
  /**
   * As {@link Router.route}. Where `signal` is aborted before the answer is here, it rejects with the signal's reason:
   * a prompt that still waits its turn is then not decided at all, and of one that is, `onDecision` hears.
   */
  route: Router['route'];
  /** As {@link Router.feedback}; resolves when it was learned. */
  feedback(decision: string | Uint8Array, outcome: Feedback): Promise<void>;
  /** As {@link Router.receipt}. */
  receipt(id: string): Promise<Uint8Array>;
  /** As {@link Router.exportState}; the bytes are moved here, not copied. */
  exportState(): Promise<Uint8Array>;
  /** As {@link Router.mergeState}. The bytes are moved to the thread: give `state.slice()` to keep them. */
  mergeState(state: Uint8Array): Promise<void>;
  /** As {@link Router.drainState}; the bytes are moved here, not copied. */
  drainState(): Promise<Uint8Array>;
  /** As {@link Router.replaceState}. The bytes are moved to the thread: give `state.slice()` to keep them. */
  replaceState(state: Uint8Array): Promise<void>;
  /** As {@link Router.stats}, of the thread: times are without the way there and back. */
  stats(): Promise<Stats>;
}
