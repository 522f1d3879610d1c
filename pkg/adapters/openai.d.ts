import type { Decision, RankOptions, Router } from '../index.js';

/**
 * A `fetch` for the `openai` SDK and every client of its protocol that takes one. Where a request's `model` is the
 * alias, the router decides, and the request goes out with the decided candidate in its place; all else of it stays as
 * it was written, and the answer, streamed or not, comes back as it is.
 *
 * ```js
 * import OpenAI from 'openai';
 * import { createRouter } from 'pointsman';
 * import { routedFetch } from 'pointsman/openai';
 *
 * const client = new OpenAI({ fetch: routedFetch(await createRouter()) });
 * await client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'What is 2 + 2?' }] });
 * ```
 *
 * What is routed: a POST whose body is a JSON text (or a Request) to a path that ends in `/chat/completions` or
 * `/responses`. Everything else passes through: `/completions`, which takes text to continue and not a request; bodies
 * that are bytes, forms or streams; other models. Deployments in an Azure path are not rewritten.
 *
 * What decides: the last user message with text. Where there is none, as when only a tool's result follows a
 * `previous_response_id`, the last message or result with text.
 *
 * What counts for cost and context length: every text that the upstream reads, so also instructions, tools, schemas, and what
 * tools were called with and brought; not pictures. Limits on the answer's length, such as `max_tokens`, count as
 * `maxOutputTokens`, the greatest where there are several, and times `n`: budgets hold even for the longest answer.
 *
 * What the request needs: `tools` where it has tools, `vision` where it has pictures, `json` where it asks for JSON. An
 * ability that none of the router's candidates declares in `supports` is not asked for, because it is unknown then;
 * `policy` may set `needs` itself.
 *
 * The response has these headers more: `x-pointsman-model` the candidate that answered, `x-pointsman-decision` the id for
 * `feedback` on that answer, `x-pointsman-reason`, and after a fallback `x-pointsman-failed`, the candidates that failed
 * before. In the `openai` SDK, `.withResponse()` shows them. A response of a status below 200 or above 599 comes without
 * them, since no other can be made like it.
 *
 * A request that cannot be routed is not sent. It is answered as OpenAI's servers answer a bad request, by status 400
 * (500 where the engine failed) with an `error` whose `code` is the PointsmanError's, so that SDKs throw their
 * `BadRequestError` with that `code` and do not try again.
 *
 * @throws {PointsmanError} `BAD_INPUT` for an option that cannot be used.
 */
export function routedFetch(router: Pick<Router, 'route' | 'candidates'>, options?: RoutedFetchOptions): typeof globalThis.fetch;

export interface RoutedFetchOptions {
  /** What stands for the router in a request's `model`: a name, or several. Default: `auto`. */
  readonly alias?: string | readonly string[];
  /**
   * The upstream's name of each candidate, where it has another than its id. Only these candidates may be chosen then;
   * that takes the place of an `allow` among the router's own defaults. Default: all, by their ids.
   */
  readonly models?: Readonly<Record<string, string>>;
  /** Sends the requests. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Options of every decision, or a function that gives them for a request's body. */
  readonly policy?: RankOptions | ((body: RoutedBody) => RankOptions | undefined | Promise<RankOptions | undefined>);
  /**
   * Whether the next candidates by utility are asked where one fails and its answer has not begun: on status 408, 409,
   * 429 and 500 up (or as `x-should-retry` says), and where the connection fails. A number is how many more to ask.
   * Default: false, since SDKs try again on their own: with both, a request goes out up to (1 + `fallback`) x
   * (1 + `maxRetries`) times, and an upstream that failed late may bill for each. An `idempotency-key` is
   * lengthened by the candidate's id for all but the first. The last failure is what comes back.
   *
   * Each further candidate has a decision of its own, with the reason `pinned`, so that a running budget (`budgetUsd`) pays
   * for every question: one that it does not cover is passed over. What was committed to a candidate that failed stays
   * committed, because it may bill: `feedback(id, { usd: 0 })` frees it, with the id that `onDecision` heard
   * (a router that learns takes that for its price).
   *
   * Nothing here ends a wait: an upstream that never answers is left when the request's `signal` is aborted, and nobody is
   * asked then. To go on to the next candidate instead, give a `fetch` that waits only so long:
   * `(url, init) => fetch(url, { ...init, signal: AbortSignal.any([init.signal, AbortSignal.timeout(30_000)]) })`
   * (clients that give no signal: the timeout alone). It ends a stream that takes longer, too.
   */
  readonly fallback?: boolean | number;
  /** Called with every decision and the body it was made for, before the request goes out to its candidate. May throw. */
  readonly onDecision?: (decision: Decision, body: RoutedBody) => void;
}

/** The body of a chat completions or responses request. */
export interface RoutedBody {
  readonly model: string;
  readonly [key: string]: any;
}
