/// <reference lib="esnext.disposable" />

/**
 * Loads a router. Without options it is the one that ships in this package: its files are read from
 * beside this module, and nothing else is ever fetched.
 *
 * Loading takes a moment and some 45 MB of WebAssembly memory: create one router and keep it.
 *
 * ```js
 * import { createRouter } from 'pointsman';
 *
 * const router = await createRouter();
 * const { model } = await router.route('Prove that there are infinitely many primes.');
 * ```
 *
 * @throws {PointsmanError} `BAD_INPUT` unknown or malformed option, or a `fallback` that is no candidate;
 *   `INFEASIBLE` a default `minQuality` out of reach;
 *   `IO` a file cannot be read; `MISMATCH` a file differs from its `sha256`, or the router was trained on
 *   another embedder; `BAD_ARTIFACT` a file is damaged; `ENGINE` WebAssembly cannot start here.
 */
export function createRouter(options?: RouterOptions): Promise<Router>;

/**
 * Adds what several routers have learned, as {@link Router.mergeState} would, but without a router or an embedder: for
 * whoever only keeps the sum. All must be of the same `dimensions`; a candidate that only some know keeps its sums.
 *
 * @param options where the WebAssembly module is, as in {@link RouterOptions.wasm}.
 * @throws {PointsmanError} `BAD_ARTIFACT` bytes that are no state; `MISMATCH` states of other dimensions,
 *   embedders or, with `dimensions`, router files; `BAD_INPUT`.
 */
export function mergeStates(states: readonly Uint8Array[], options?: Pick<RouterOptions, 'wasm'>): Promise<Uint8Array>;

/**
 * A decision in words, for a person to read: what decided, and every candidate's part, the best first.
 */
export function explain(decision: Decision): string;

/**
 * A prompt: a text, or a chat of which the person's own words in the last user message with text decide. What editors and
 * agents wrap around them (`<system-reminder>` and the like) does not; every message counts for cost and context length.
 */
export type Input = string | readonly Message[];

/** One message of a chat, in the shape every LLM client uses. */
export interface Message {
  readonly role: string;
  /** A text, or parts of which those with a `text` are read. */
  readonly content?: unknown;
}

/** Which embedder: the transformer, or the table of token rows that was distilled from it. */
export type Tier = 'full' | 'static';

/** The bytes of a file. */
export type Bytes = ArrayBuffer | ArrayBufferView;

/** A file, and optionally the hash it must have. */
export interface Pinned {
  /** Where the file is, a response that brings it, or its bytes. A string is a URL; in Node it may also be a path. */
  readonly src: URL | string | Response | Bytes;
  /** Its SHA-256, 64 hexadecimal digits. A file with another hash is refused before it is parsed (`MISMATCH`). */
  readonly sha256?: string;
}

/** A router file that must be its signer's. */
export interface Signed extends Pinned {
  /**
   * The signer's public Ed25519 key, 64 hexadecimal digits, as `pointsman sign` prints it. A file that this key did not
   * sign is refused before it is parsed (`MISMATCH`). It names its embedder by hash, so the signature holds for both.
   */
  readonly signedBy?: string;
  /** Where its signature is, or its 64 bytes. Default: beside the file, with the ending `.sig`. */
  readonly signature?: URL | string | Response | Bytes;
}

export interface RouterOptions {
  /** Router file. Default: the one that ships in this package. */
  readonly router?: Signed;
  /** Embedder file; it must be the one the router was trained on (`MISMATCH`). Default: the one that ships. */
  readonly embedder?: Pinned;
  /**
   * Which embedder answers. `full` (the default): a transformer, 23 MB. `static`: a table of token rows distilled from
   * it, 2 MB, some hundred times faster and a little less apt. `auto`, in a browser: the static one at once, while the full
   * one is fetched as soon as the page is idle (not where the browser asks to save data), and the full one from then on;
   * {@link Decision.tier} tells which answered. Elsewhere, where there is no idle time, `auto` is `full`. A router that
   * learns starts anew where it moves over: what was learned on one embedder means nothing on another.
   */
  readonly tier?: Tier | 'auto';
  /** The static tier's two files, for `tier: 'static'` or `'auto'` on your own router. Default: those that ship. */
  readonly static?: { readonly router: Signed; readonly embedder: Pinned };
  /** Called with the tier that answers from now on: when the router is made, and when it moves over. */
  readonly onTier?: (tier: Tier) => void;
  /**
   * Your own line-up: these candidates and no others, in this order. One that the router file knows by its `id` keeps
   * what you leave open; one that it does not know is placed by its mean scores on tasks (see {@link LineupCandidate}).
   * The guarantee and `minQuality` were measured for the file's own line-up and are gone in another.
   */
  readonly candidates?: readonly LineupCandidate[];
  /** Id of the candidate that `route` falls back on when the engine fails. Default: the one of best mean quality. */
  readonly fallback?: string;
  /** Defaults for the options of every `route` and `rank`. */
  readonly policy?: Policy;
  /**
   * Learns from {@link Router.feedback}: estimates and costs move to where outcomes say they belong. `{}` takes every
   * default. Memory: 1.2 MB a candidate.
   */
  readonly learn?: Learning;
  /**
   * What all calls together may cost, in US dollars. Each decision commits what its call may cost: at the expected length
   * of the answer, or at `maxOutputTokens` where you give it. {@link Router.feedback} with `usd` replaces that by what it
   * cost. A candidate that may cost more than what is left is not chosen; where none is left, `route` rejects with
   * `NO_ELIGIBLE`. {@link Router.stats} tells how it stands.
   */
  readonly budgetUsd?: number;
  /**
   * Where the transformer runs. `wasm` (the default): on the CPU. `webgpu`: on the GPU, where the browser has WebGPU.
   * `auto`: what is faster for the call at hand, by its tokens, as measured once on this machine: while that is measured,
   * the CPU answers, and what was measured is kept in IndexedDB. Whatever happens to the GPU, every call is answered on
   * the CPU then, and {@link Stats.gpu} tells why. One short prompt is answered sooner on the CPU; long prompts and
   * batches are what a GPU is for. Its code and a wasm file, 90 kB together, are fetched only where it is asked for.
   */
  readonly device?: 'wasm' | 'webgpu' | 'auto';
  /** For `device: 'auto'`: what {@link Stats.gpu} gave on the same machine, in place of measuring. */
  readonly calibration?: Calibration;
  /**
   * The WebAssembly module, where neither file that ships can be read from beside this module. They are
   * `pointsman/pointsman.wasm`, which runs wherever there is SIMD, and `pointsman/pointsman-relaxed.wasm` for relaxed
   * SIMD; by default the one that is faster here is loaded. Both give the same decisions. All routers of a page or
   * process share one instance, so only the first router's choice counts.
   */
  readonly wasm?: URL | string | Response | WasmModule | Bytes | Pinned;
  /** Whole number from 0 to 2^53 - 1. Equal seeds give equal decision ids in equal order. Default: random. */
  readonly seed?: number;
  /** Called with every decision that `route` makes. What it throws goes to `console.error`. */
  readonly onDecision?: (decision: Decision) => void;
  /** Called while the files load; with `tier: 'auto'`, for those of the full tier as well. */
  readonly onProgress?: (progress: Progress) => void;
}

/** How a router learns: a linear bandit on top of the shipped head. */
export interface Learning {
  /**
   * How candidates of uncertain quality are tried: `linucb` (the default) takes the best that is plausible, `thompson`
   * the best of a draw from what is plausible, with the probability in `Decision.propensity`.
   */
  readonly rule?: 'linucb' | 'thompson';
  /** How much they are tried: standard widths, from 0 (the default: only learn from what is chosen anyway) up. */
  readonly explore?: number;
  /** Trust in the shipped head: so many outcomes along a direction outweigh it by half. Above 0; default 20. */
  readonly ridge?: number;
  /** What an old outcome keeps of its weight at each new one of its candidate: above 0 and up to 1, the default. */
  readonly discount?: number;
  /**
   * Look only along so many directions, those in which the router file's clusters of prompts differ most: less memory, a
   * smaller state, faster and coarser learning. States and receipts then only fit routers of the same file.
   */
  readonly dimensions?: number;
  /** What exploring may cost beyond the best guesses over the router's life, in US dollars. Default: any sum. */
  readonly maxExploreUsd?: number;
  /**
   * Keep what is learned here apart from what is merged, for {@link Router.drainState}: for routers that share what they
   * learn. Twice the memory. Default: false.
   */
  readonly shared?: boolean;
}

/** What came of a decision: a score, a cost, or both. */
export interface Feedback {
  /** How good the answer was, 0 to 1; for a router made with `learn`. */
  readonly score?: number;
  /** What the call cost, in US dollars. */
  readonly usd?: number;
}

/** A compiled `WebAssembly.Module`, where the project's libraries declare such a thing. */
type WasmModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer Module } } } ? Module : never;

/** All files together, in bytes. */
export interface Progress {
  readonly loaded: number;
  /** Grows as files announce their length; never less than `loaded`. */
  readonly total: number;
}

/** How quality and cost are weighed. All values are checked (`BAD_INPUT`), and so are the names of the options. */
export interface Policy {
  /**
   * Weight of cost against quality, from 0 (quality alone) up, where the dearest candidate costs 1 on average:
   * MetaLLM's p. Excludes `minQuality`. A call that gives either dial replaces whichever is the router's default.
   */
  readonly costWeight?: number;
  /**
   * Mean quality to hold over many prompts at least cost: a number from 0 to 1, or `'best'` for that of the best single
   * candidate less a small epsilon. Excludes `costWeight`. Where the router file carries a guarantee, as the default one
   * does, it is proven on rows that nothing was fitted on, with the file's confidence; one that is not proven is refused
   * (`INFEASIBLE`), or for `'best'`, every prompt goes to that candidate (reason `guarantee`).
   */
  readonly minQuality?: number | 'best';
  /** What this one request may cost, in US dollars, at the expected length of its answer or at `maxOutputTokens`. */
  readonly maxUsd?: number;
  /** How many spreads to take off each predicted quality before choosing, from 0 (the default) up. */
  readonly caution?: number;
  /** How much to try candidates of uncertain quality, in place of {@link Learning.explore}; for a router that learns. */
  readonly explore?: number;
  /** Ids of the only candidates that may be chosen. */
  readonly allow?: readonly string[];
  /**
   * In a `session`, how many times a switch must gain what it loses of the prompt cache: 1 unless given, 0 to switch
   * freely.
   */
  readonly stickiness?: number;
}

/** Options of one `rank`. */
export interface RankOptions extends Policy {
  /** Abilities that the candidate must have, such as `tools`, `vision` or `json`. */
  readonly needs?: readonly string[];
  /** Length of the answer in tokens, where you know better than the candidates' means. */
  readonly expectedOutputTokens?: number;
  /** The longest that the answer can be, in tokens: context length, `maxUsd` and the budget then hold whatever it says. */
  readonly maxOutputTokens?: number;
  /** Length of the whole request in tokens, where you know better than its texts tell: tools and pictures count too. */
  readonly inputTokens?: number;
  /** Id of your own choice: the decision is this candidate (reason `pinned`), if the limits permit it. */
  readonly pin?: string;
  /**
   * Any name for a conversation whose turns repeat what came before. What the last turn's candidate has in its provider's
   * prompt cache is taken off its price (see `usdPerMtokCached`), so that the conversation stays unless a switch gains
   * more (reason `session`). The last 4096 conversations are remembered, by a hash of the name.
   */
  readonly session?: string;
}

/** Options of one `route`. */
export interface RouteOptions extends RankOptions {
  /** Where it is aborted before the work starts, `route` rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** What a batch shall reach, and limits that hold for each of its prompts. */
export type Goal = Limits & (
  | {
    /** The best mean quality that costs at most this much together, in US dollars. */
    readonly budgetUsd: number;
    readonly minQuality?: undefined;
    readonly costWeight?: undefined;
  }
  | {
    /** The least cost of a mean quality of at least this, 0 to 1. */
    readonly minQuality: number;
    readonly budgetUsd?: undefined;
    readonly costWeight?: undefined;
  }
  | {
    /** What each prompt would choose at this weight of cost, as in {@link Policy.costWeight}. */
    readonly costWeight: number;
    readonly budgetUsd?: undefined;
    readonly minQuality?: undefined;
  }
);

/** Everything of a request but its dials. */
export type Limits = Omit<RankOptions, 'costWeight' | 'minQuality' | 'explore' | 'stickiness' | 'pin' | 'session'>;

/** One efficient way to answer a batch. */
export interface FrontierPoint {
  /** Predicted cost of the batch, in US dollars. */
  readonly usd: number;
  /** Mean predicted quality, less `caution` times spread. */
  readonly quality: number;
  /** What the last dollar bought here, in quality; 0 where no exchange rate leads here. */
  readonly lambda: number;
}

/** What `assign` resolves to. */
export interface Plan {
  /** One decision for each input, in their order. */
  readonly picks: readonly Decision[];
  /** Predicted cost of all picks, in US dollars. */
  readonly usd: number;
  /** Mean predicted quality of the picks. */
  readonly quality: number;
  /**
   * Efficient plans for this batch by rising cost, OptLLM's Pareto front: every one in batches of some dozens of inputs, most up
   * to 256, and in larger ones those that are best at some exchange rate.
   */
  readonly frontier: readonly FrontierPoint[];
}

/** One candidate, judged for one prompt. */
export interface Score {
  /** The candidate's id. */
  readonly model: string;
  /** Predicted quality of its answer, 0 to 1. */
  readonly quality: number;
  /** Standard deviation of `quality`. */
  readonly spread: number;
  /** Predicted cost of this request, in US dollars. */
  readonly usd: number;
  /** What the candidates compete on: quality, less caution times spread, less cost at the dial's rate. */
  readonly utility: number;
  /** Why it may not be chosen here; absent where it may. */
  readonly ineligible?: 'context' | 'capability' | 'price' | 'allow';
}

/** What `route` resolves to. */
export interface Decision {
  /** Names this decision. */
  readonly id: string;
  /** The chosen candidate's id: what goes into your request's `model` field. */
  readonly model: string;
  /**
   * `utility` it has the greatest utility; `budget` one of greater utility would cost more than `maxUsd` or what is left
   * of the budget; `only-eligible` no other may be chosen; `low-confidence` the prompt is unlike all that the router was
   * trained on, or in another language, so it goes to the strongest candidate, or with `costWeight`, where mean scores
   * send it; `no-text` the same for a prompt of pictures or files alone; `guarantee` nothing cheaper is proven to keep
   * `minQuality: 'best'`; `pinned` you chose it; `session` its prompt cache holds the conversation, and a switch gains
   * less than that is worth; `explore` it is tried in order to learn; `assigned` it is part of a plan; `fallback-error`
   * the engine failed, see `error`.
   */
  readonly reason:
    | 'utility' | 'budget' | 'only-eligible' | 'low-confidence' | 'no-text' | 'guarantee' | 'pinned' | 'session' | 'explore'
    | 'assigned' | 'fallback-error';
  /** Probability with which this candidate was chosen, above 0 and up to 1. */
  readonly propensity: number;
  /** All candidates, in the order of `Router.candidates`; empty after a `fallback-error`. */
  readonly scores: readonly Score[];
  /** Predicted cost of this request on `model`, in US dollars; 0 after a `fallback-error`, when none was predicted. */
  readonly usd: number;
  /** Whether the prompt was longer than the embedder reads, so that its beginning and its end decided. */
  readonly truncated: boolean;
  /**
   * How like the training prompts it is, -1 to 1: the greatest cosine of its embedding to the centre of a group of them,
   * about their mean. Absent where there is no text, and after a `fallback-error`.
   */
  readonly nearness?: number;
  /** Which embedder answered. */
  readonly tier: Tier;
  /** What computed the embedding, for a router made with another `device` than `wasm`. */
  readonly device?: 'wasm' | 'webgpu';
  /** Time taken, in milliseconds. A Worker's clock stands still while it computes, so there it is 0. */
  readonly ms: number;
  /** What failed; only after a `fallback-error`. */
  readonly error?: PointsmanError;
}

/** A language model that may be chosen. */
export interface Candidate {
  readonly id: string;
  /** US dollars for a million input tokens. */
  readonly usdPerMtokIn: number;
  /** US dollars for a million output tokens. */
  readonly usdPerMtokOut: number;
  /** US dollars for a million input tokens that come from the provider's prompt cache. */
  readonly usdPerMtokCached?: number;
  /** The longest prompt and answer together, in tokens; where absent, 4096: a limit that nobody knows is not trusted. */
  readonly contextTokens?: number;
  /** Abilities that a request may need. */
  readonly supports?: readonly string[];
  /** Mean length of its answers in the data it was trained on, in tokens. */
  readonly expectedOutputTokens: number;
}

/** A candidate of your own line-up. */
export interface LineupCandidate extends Partial<Omit<Candidate, 'id'>> {
  readonly id: string;
  /**
   * Mean scores by task, from 0 to 1 or, above 1, in percent: `{ gsm8k: 95.1, mmlu_pro: 72.6 }`. A candidate that the
   * router file does not know needs at least one, and its prices; the more, the better it is placed. An unknown task is
   * refused with a list of those that the file knows (`BAD_INPUT`).
   */
  readonly scores?: Readonly<Record<string, number>>;
}

/** What a machine's CPU and GPU take: pairs of tokens and milliseconds, by rising tokens. */
export interface Calibration {
  /** For one text of so many tokens. */
  readonly cpu: readonly (readonly [tokens: number, ms: number])[];
  /** For all texts of a call together. */
  readonly gpu: readonly (readonly [tokens: number, ms: number])[];
}

/** How it stands with the GPU. */
export interface GpuStats {
  /** Whether it can be used. */
  readonly ready: boolean;
  /** Calls that it has answered. */
  readonly calls: number;
  /** What it calls itself. */
  readonly adapter?: string;
  /** Dispatches of one pass through the transformer. */
  readonly dispatches?: number;
  /** For `device: 'auto'`: what was measured. */
  readonly calibration?: Calibration;
  /** Why it is not used. */
  readonly reason?: string;
}

export interface Stats {
  /** Decisions made since the router was created. */
  readonly calls: number;
  /** Median time of the last 1024 decisions, in milliseconds; 0 before the first. */
  readonly p50Ms: number;
  /** 99th percentile of the same. */
  readonly p99Ms: number;
  /** Memory of the WebAssembly instance that all routers share, in bytes. */
  readonly wasmBytes: number;
  /** What the last `route` or `embed` ran on. */
  readonly device: 'wasm' | 'webgpu';
  /** How it stands with the GPU, for a router made with another `device` than `wasm`. */
  readonly gpu?: GpuStats;
  /** Which of the two WebAssembly files runs. */
  readonly simd: 'simd128' | 'relaxed';
  /** Which embedder answers now. */
  readonly tier: Tier;
  /** Why the full tier could not be had, where `tier: 'auto'` stays with the static one. */
  readonly upgradeError?: PointsmanError;
  /** How often this router was rebuilt because its WebAssembly instance had failed. */
  readonly reinits: number;
  /** How long the last rebuilding took, in milliseconds. */
  readonly recoveryMs?: number;
  /** What the instance failed of last, or feedback that came while there was none. */
  readonly lastFault?: PointsmanError;
  /**
   * Set where a failure left nothing to read back: what was learned since the last `exportState` is gone, and a
   * running budget counts as spent.
   */
  readonly stateLost?: true;
  /** How the running budget stands, for a router made with `budgetUsd`. */
  readonly budget?: {
    readonly limitUsd: number;
    /** The cost of calls whose cost is known, and of the others what they may cost. */
    readonly committedUsd: number;
  };
}

/** A loaded router. After it is disposed, its methods reject with `BAD_INPUT`. */
export interface Router extends AsyncDisposable {
  /** All candidates, in the order of `Decision.scores`. */
  readonly candidates: readonly Candidate[];
  /**
   * Chooses the candidate for a prompt.
   *
   * An engine that fails is rebuilt, and the next call waits for that. The call that it failed in does not reject: the promise resolves to the fallback with the reason
   * `fallback-error`. Where `allow` or `needs` exclude the fallback, the first candidate that they permit
   * stands in for it; only where they permit none, or a running budget would pay for what nobody has priced, does the
   * promise reject with `ENGINE`.
   *
   * @throws {PointsmanError} `BAD_INPUT` a prompt without text, an unknown option or a value out of range;
   *   `NO_ELIGIBLE` no candidate is within the limits; `INFEASIBLE` no choice reaches `minQuality`.
   */
  route(input: Input, options?: RouteOptions): Promise<Decision>;
  /**
   * Judges every candidate for a prompt, as `route` would, and leaves no trace. They come by falling utility,
   * those that may not be chosen last.
   *
   * @throws {PointsmanError} `BAD_INPUT`, `INFEASIBLE` and `ENGINE`.
   */
  rank(input: Input, options?: RankOptions): Promise<readonly Score[]>;
  /**
   * Decides a whole batch at once, so that together the prompts reach a goal at least cost: those for which a better
   * candidate buys most go to it first. It is the best plan there is, but where finding that would
   * take too long: then it is at most one prompt's answer short of it.
   *
   * @throws {PointsmanError} `BAD_INPUT`; `NO_ELIGIBLE` a prompt that no candidate may answer; `INFEASIBLE` a goal out
   *   of this batch's reach, which the message names; `ENGINE`.
   */
  assign(inputs: readonly Input[], goal: Goal): Promise<Plan>;
  /**
   * Tells what came of a decision, for a router made with `learn` or `budgetUsd`. It may come late, or never: to learn,
   * the last 4096 decisions are remembered, and for the budget the last 65,536. Each takes one score and one cost; what
   * comes after the score is not heard.
   *
   * In place of the id, a {@link Router.receipt} is heard for a decision of another router of the same files.
   *
   * @throws {PointsmanError} `BAD_INPUT` an id that is not remembered, a number out of range, a router that does neither;
   *   `MISMATCH` a receipt of another embedder, of other `dimensions` or, with these, of another router file.
   */
  feedback(decision: string | Uint8Array, outcome: Feedback): void;
  /**
   * What feedback on a decision needs, as bytes, so that any router of the same files can hear it, for a router made with
   * `learn`: where the process that decided may be gone before its user has read the answer. Some 300 bytes at 64
   * `dimensions`. It holds no text, but the prompt's embedding as the bandit sees it, and is not signed: sign what you
   * take back from strangers. One router hears a receipt once; that two do not, is up to you.
   *
   * @throws {PointsmanError} `BAD_INPUT` an id that is not remembered, or a router that does not learn.
   */
  receipt(id: string): Uint8Array;
  /**
   * What was learned, as sums by candidate: 300 kB each at full width. No text, and no embedding of a single prompt.
   *
   * @throws {PointsmanError} `BAD_INPUT` for a router that does not learn.
   */
  exportState(): Uint8Array;
  /**
   * Adds what another router has learned; states of many devices add up to that of one that saw all. Candidates are
   * matched by id. Nothing changes where this throws.
   *
   * @throws {PointsmanError} `BAD_ARTIFACT` bytes that are no state; `MISMATCH` one of other dimensions, of
   *   another embedder (another tier's, too) or, with `dimensions`, of another router file; `BAD_INPUT`.
   */
  mergeState(state: Uint8Array): void;
  /**
   * What this router learned itself since the last drain, as sums like those of `exportState`, for a router made with
   * `learn: { shared: true }`. What comes next is counted anew, so deliver what you drain. Many routers that send theirs
   * to one place, where {@link mergeStates} adds them up, and take back the sum by `replaceState`, learn as one.
   *
   * @throws {PointsmanError} `BAD_INPUT` for a router that does not learn, or not `shared`.
   */
  drainState(): Uint8Array;
  /**
   * Forgets what was learned, but for what was not yet drained, and takes these sums in its place. Nothing changes where
   * this throws.
   *
   * @throws {PointsmanError} as `mergeState`.
   */
  replaceState(state: Uint8Array): void;
  /**
   * The embedding that routing is based on, of one prompt or of a list of them, row after row: a unit vector each. Courtesies
   * ("please answer this:") are not read, nor two swapped letters as such. `onProgress` hears how many of a long list are
   * done; on a GPU, how many were handed to it, and of all of them only once their embeddings are here.
   *
   * @throws {PointsmanError} `BAD_INPUT` and `ENGINE`.
   */
  embed(input: Input | readonly Input[], options?: { readonly onProgress?: (progress: { done: number, total: number }) => void }): Promise<Float32Array>;
  /** How many decisions there were, how long they took, and what they run on. */
  stats(): Stats;
}

/** Every error of this package. */
export class PointsmanError extends Error {
  constructor(code: PointsmanError['code'], message: string, options?: { cause?: unknown });
  /**
   * `BAD_ARTIFACT` a file is damaged; `MISMATCH` parts that do not belong together, or a wrong hash;
   * `BAD_INPUT` an argument to correct; `NO_ELIGIBLE` limits that leave no candidate; `INFEASIBLE` a goal out
   * of reach; `ENGINE` the engine failed; `IO` a file cannot be read.
   */
  readonly code: 'BAD_ARTIFACT' | 'MISMATCH' | 'BAD_INPUT' | 'NO_ELIGIBLE' | 'INFEASIBLE' | 'ENGINE' | 'IO';
}
