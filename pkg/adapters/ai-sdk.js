/** A language model for the AI SDK that decides, request by request, which of several language models answers. */

import { badInput } from '../error.js';
import { checkKeys } from '../options.js';
import { Dispatcher } from './dispatch.js';
import { inputOf, needsOf } from './request.js';

/** Parts of a stream that come before any of the answer. */
const PREAMBLE = new Set(['stream-start', 'response-metadata', 'raw', 'ping']);

/** @type {typeof import('./ai-sdk.js').routedModel} */
export function routedModel(router, models, options = {}) {
  checkKeys('routedModel', options);
  const delegates = readModels(models);
  const dispatcher = new Dispatcher(router, delegates.keys(), { ...options, fallback: options.fallback ?? true });
  const { specificationVersion, provider } = common([...delegates.values()]);
  const send = async (call, ask, discard) => {
    return dispatcher.send(await dispatcher.decide(callOf(call)), {
      ask: (model) => ask(delegates.get(model)),
      mayRetry: ({ value, error }) => (error ?? value.failure)?.isRetryable === true,
      discard,
    });
  };

  return /** @type {any} */ ({
    specificationVersion,
    provider,
    modelId: 'auto',
    get supportedUrls() {
      return commonUrls([...delegates.values()]);
    },
    async doGenerate(call) {
      const { value, ...sent } = await send(call, (delegate) => delegate.doGenerate(call), () => {});
      return withMetadata(value, sent);
    },
    async doStream(call) {
      const { value: { result }, ...sent } = await send(
        call,
        async (delegate) => begun(await delegate.doStream(call)),
        ({ result }) => result.stream.cancel(),
      );
      return { ...result, stream: result.stream.pipeThrough(markingFinish(sent)) };
    },
  });
}

/** The options of `doGenerate` and `doStream`, as the dispatcher takes them. */
function callOf(call) {
  const { prompt, tools, responseFormat, abortSignal } = call;
  const needs = needsOf({ messages: prompt, tools, format: responseFormat });
  return { source: call, input: inputOf(prompt, [tools, responseFormat?.schema]), needs, maxOutputTokens: call.maxOutputTokens, signal: abortSignal };
}

function withMetadata(carrier, { decision: { id, model, reason, propensity, usd }, failed }) {
  return { ...carrier, providerMetadata: { ...carrier.providerMetadata, pointsman: { id, model, reason, propensity, usd, failed } } };
}

function markingFinish(sent) {
  return new TransformStream({
    transform(part, controller) {
      controller.enqueue(part.type === 'finish' ? withMetadata(part, sent) : part);
    },
  });
}

/**
 * A stream that has shown whether it begins with an answer or with an error: until then another candidate may be asked.
 */
async function begun(result) {
  const reader = result.stream.getReader();
  const held = [];
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    held.push(next.value);
    if (!PREAMBLE.has(next.value.type)) break;
  }
  const last = held[held.length - 1];
  return {
    result: { ...result, stream: resumed(held, reader) },
    failure: last?.type === 'error' ? last.error : undefined,
  };
}

/** The parts that were read already, then the rest. */
function resumed(held, reader) {
  return new ReadableStream({
    async pull(controller) {
      if (held.length > 0) return controller.enqueue(held.shift());
      const { done, value } = await reader.read();
      return done ? controller.close() : controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/**
 * What all of them take as it is: the URLs that one of them cannot open must be downloaded before it is known who
 * answers. Two patterns are the same where they are written the same.
 */
async function commonUrls(delegates) {
  const [first, ...others] = await Promise.all(delegates.map(({ supportedUrls }) => supportedUrls));
  const inAll = (type, pattern) => others.every((urls) => (urls?.[type] ?? []).some((other) => `${other}` === `${pattern}`));
  const shared = Object.entries(first ?? {}).map(([type, patterns]) => [type, patterns.filter((pattern) => inAll(type, pattern))]);
  return Object.fromEntries(shared.filter(([, patterns]) => patterns.length > 0));
}

/** What the SDK must know of all of them at once. */
function common(delegates) {
  const only = (key) => {
    const values = new Set(delegates.map((delegate) => delegate[key]));
    return values.size === 1 ? delegates[0][key] : undefined;
  };
  const specificationVersion = only('specificationVersion');
  if (specificationVersion) return { specificationVersion, provider: only('provider') ?? 'pointsman' };
  const versions = delegates.map((delegate) => delegate.specificationVersion).join(', ');
  throw badInput(`models: specification versions differ (${versions}); take all providers for the same AI SDK version`);
}

/** @returns {Map<string, any>} */
function readModels(models) {
  const delegates = new Map(Object.entries(Object(models)));
  if (delegates.size === 0) throw badInput('models: expected language models by candidate, such as { "gpt-4o": openai("gpt-4o") }');
  for (const [id, model] of delegates) {
    if (['doGenerate', 'doStream'].every((method) => typeof model?.[method] === 'function')) continue;
    throw badInput(`models: "${id}" is no language model; give what a provider makes, not its name`);
  }
  return delegates;
}
