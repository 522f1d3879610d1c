/**
 * Miniflare, with a workerd that does not stop for good.
 *
 * With one background thread, which is what two cores get, V8's baseline compiler can wait there for a garbage collection
 * on the main thread, while the main thread sweeps and waits for that thread to sweep too: one run in three of
 * worker-example-learning.test.mjs on workerd 2026-07-30, none of ten on 2026-11-17, which no Miniflare brings yet.
 * Compiled on the main thread, nothing waits.
 */

process.env.MINIFLARE_WORKERD_V8_FLAGS ??= '--no-concurrent-sparkplug';

export { Log, LogLevel, Miniflare } from 'miniflare';
