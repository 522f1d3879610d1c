/** What is more than this is refused before it costs memory: an instance has 112 MiB, and what does not fit ends it. */

const MEBI = 2 ** 20;

/** Bytes of a file. */
export const MOST_BYTES = { router: 16 * MEBI, embedder: 48 * MEBI, wasm: 16 * MEBI };

/** Bytes of a prompt in UTF-8, or of all prompts of a batch: in English a million tokens. */
export const MOST_TEXT = 4 * MEBI;

/** Prompts of a batch. */
export const MOST_PROMPTS = 50_000;

/** Prompts that are embedded at a time: their vectors fit beside everything else. */
export const PORTION = 1024;
