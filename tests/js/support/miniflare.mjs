/**
 * Miniflare, with a workerd that does not stop for good.
 *
 * With one background thread, which is what two cores get, V8's compilers (Sparkplug, Maglev) can wait there for a garbage
 * collection on the main thread, while the main thread sweeps and waits for that thread to sweep too: one run in three of
 * worker-example-learning.test.mjs on workerd 2026-07-30, the newest that a Miniflare brings. Compiled on the main thread,
 * nothing waits.
 */

process.env.MINIFLARE_WORKERD_V8_FLAGS ??= '--no-concurrent-sparkplug --no-concurrent-recompilation';

export { Log, LogLevel, Miniflare } from 'miniflare';
