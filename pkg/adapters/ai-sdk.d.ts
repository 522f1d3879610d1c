import type { Decision, RankOptions, Router } from '../index.js';

/**
 * A language model for the AI SDK (versions 6 and 7) that is several: the router decides for each request which of them
 * answers.
 *
 * ```js
 * import { createOpenAI } from '@ai-sdk/openai';
 * import { generateText } from 'ai';
 * import { createRouter } from 'pointsman';
 * import { routedModel } from 'pointsman/ai-sdk';
 *
 * const openai = createOpenAI();
 * const model = routedModel(await createRouter(), {
 *   'gpt-4o-2024-05-13': openai('gpt-4o'),
 *   'llama-3.1-8b-instruct': openai('llama-3.1-8b'),
 * });
 * const { text, providerMetadata } = await generateText({ model, prompt: 'What is 2 + 2?' });
 * ```
 *
 * What decides: the last user message with text; where there is none, the last message with text. What the request
 * needs: `tools` where it has tools, `vision` where it has pictures, `json` where it asks for JSON. An ability that none
 * of the router's candidates declares in `supports` is not asked for; `policy` may set `needs` itself.
 *
 * What counts for cost and context length: every text that the model reads, so also tools, schemas, and what tools were called
 * with and brought; not pictures.
 *
 * The decision is in `providerMetadata.pointsman` of a result, and of a stream's last part: see
 * {@link RoutedMetadata}. A request that cannot be routed rejects with the router's PointsmanError.
 *
 * @param models a language model for each candidate that may be chosen, by the candidate's id; they take the place of an
 *   `allow` among the router's own defaults. All must come from providers for the same version of the AI SDK.
 * @throws {PointsmanError} `BAD_INPUT` for an id that is no candidate, mixed versions, or an option that cannot be used.
 */
export function routedModel<Model extends LanguageModelLike>(
  router: Pick<Router, 'route' | 'candidates'>,
  models: Readonly<Record<string, Model>>,
  options?: RoutedModelOptions<Model>,
): RoutedModel<Model>;

/** What providers make: `LanguageModelV3` for AI SDK 6, `LanguageModelV4` for 7. */
export interface LanguageModelLike {
  readonly specificationVersion: string;
  readonly provider: string;
  readonly modelId: string;
  readonly supportedUrls: PromiseLike<Record<string, RegExp[]>> | Record<string, RegExp[]>;
  doGenerate(options: never): PromiseLike<unknown>;
  doStream(options: never): PromiseLike<unknown>;
}

/** The same language model to the SDK, whichever answers. */
export interface RoutedModel<Model extends LanguageModelLike> {
  readonly specificationVersion: Model['specificationVersion'];
  /** The providers' name where they share one, else `pointsman`. */
  readonly provider: string;
  /** `auto`: the name of the one that answered is in each result. */
  readonly modelId: string;
  /** URLs that all of them open themselves. */
  readonly supportedUrls: PromiseLike<Record<string, RegExp[]>>;
  doGenerate: Model['doGenerate'];
  doStream: Model['doStream'];
}

export interface RoutedModelOptions<Model extends LanguageModelLike> {
  /** Options of every decision, or a function that gives them for the options of `doGenerate` or `doStream`. */
  readonly policy?: RankOptions | ((call: CallOptions<Model>) => RankOptions | undefined | Promise<RankOptions | undefined>);
  /**
   * Whether the next candidates by utility are asked where one fails with an error that says `isRetryable`, before any
   * of its answer was streamed. A number is how many more to ask. Default: true, so that the SDK's own `maxRetries`
   * begin anew only after all have failed. The last failure is what comes back.
   *
   * Each further candidate has a decision of its own, with the reason `pinned`, so that a running budget (`budgetUsd`) pays
   * for every question: one that it does not cover is passed over. What was committed to a candidate that failed stays
   * committed, because it may bill: `feedback(id, { usd: 0 })` frees it, with the id that `onDecision` heard
   * (a router that learns takes that for its price).
   */
  readonly fallback?: boolean | number;
  /** Called with every decision and the options it was made for, before a candidate is asked. May throw. */
  readonly onDecision?: (decision: Decision, call: CallOptions<Model>) => void;
}

/** What the AI SDK hands to a language model: the prompt, tools, settings. */
export type CallOptions<Model extends LanguageModelLike> = Parameters<Model['doGenerate']>[0];

/** `providerMetadata.pointsman`. */
export interface RoutedMetadata extends Pick<Decision, 'id' | 'reason' | 'propensity' | 'usd'> {
  /** The candidate that answered. */
  readonly model: string;
  /** The candidates that failed before: first the one that was chosen. `id` and the rest are of the one that answered. */
  readonly failed: readonly string[];
}
