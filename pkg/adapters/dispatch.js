/** What both adapters do with a request: decide, tell, ask the candidate, and the next ones where that fails. */

import { badInput } from '../error.js';
import { checkKeys, defined, readWatcher } from '../options.js';

/**
 * @typedef {object} Call
 * @property {any} source what the client was asked to send, as `policy` and `onDecision` see it
 * @property {any} input what to route on
 * @property {string[]} needs abilities that the request seems to need
 * @property {unknown} [maxOutputTokens] the longest answer that the request permits
 * @property {AbortSignal} [signal]
 */

/**
 * @template T
 * @typedef {object} Upstream how one kind of client asks
 * @property {(model: string, isFirst: boolean) => PromiseLike<T>} ask
 * @property {(outcome: { value?: T, error?: any }) => boolean} mayRetry whether another candidate might do better
 * @property {(value: T) => PromiseLike<void> | undefined} discard lets go of an answer that is not handed on
 */

/** Requests of one client, on their way to candidates. */
export class Dispatcher {
  #router;
  #barred;
  #declared;
  #policy;
  #spare;
  #tell;

  /**
   * @param {Pick<import('../index.js').Router, 'route' | 'candidates'>} router
   * @param {Iterable<string>} ids the candidates that may be chosen
   * @param {{ policy?: any, fallback?: boolean | number, onDecision?: any }} options
   */
  constructor(router, ids, { policy = {}, fallback = false, onDecision }) {
    const known = candidatesOf(router).map(({ id }) => id);
    const usable = [...ids];
    for (const id of usable) {
      if (!known.includes(id)) throw badInput(`models: "${id}" is not a candidate; candidates are ${known.join(', ')}`);
    }
    if (typeof policy !== 'function') checkKeys('policy of a client', policy);
    this.#router = router;
    this.#barred = known.filter((id) => !usable.includes(id));
    this.#declared = new Set(router.candidates.flatMap(({ supports = [] }) => supports));
    this.#policy = typeof policy === 'function' ? policy : () => policy;
    this.#spare = readFallback(fallback);
    this.#tell = readWatcher('onDecision', onDecision);
  }

  /** @param {Call} call */
  async decide(call) {
    const decision = await this.#router.route(call.input, await this.#options(call));
    this.#tell(decision, call.source);
    return decision;
  }

  /**
   * Asks the decided candidate, and the next ones where that fails.
   *
   * @template T
   * @param {import('../index.js').Decision} decision
   * @param {Upstream<T>} upstream
   * @param {AbortSignal} [signal]
   */
  async send(decision, upstream, signal) {
    const order = [decision.model, ...runnersUp(decision)].slice(0, 1 + this.#spare);
    return { decision, ...await firstAnswer(order, upstream, signal) };
  }

  /**
   * An ability that no candidate declares is unknown here, not absent: to need it would refuse every such request.
   *
   * @param {Call} call
   */
  async #options({ source, needs, maxOutputTokens, signal }) {
    const given = defined(await this.#policy(source) ?? {});
    /** @type {import('../index.js').RouteOptions} */
    const options = { needs: needs.filter((need) => this.#declared.has(need)), ...longest(maxOutputTokens), ...given };
    const allow = this.#barred.length > 0 ? { allow: this.#permitted(options.allow) } : {};
    return { ...options, ...allow, ...(signal && { signal }) };
  }

  /** What the policy allows, less what this client cannot reach. The router itself refuses what is no list of ids. */
  #permitted(allow = this.#router.candidates.map(({ id }) => id)) {
    return Array.isArray(allow) ? allow.filter((id) => !this.#barred.includes(id)) : allow;
  }
}

/** What is no length is for the upstream to refuse. */
function longest(maxOutputTokens) {
  return Number.isFinite(maxOutputTokens) && maxOutputTokens >= 0 ? { maxOutputTokens } : {};
}

/** @param {any} router */
export function candidatesOf(router) {
  if (typeof router?.route === 'function' && Array.isArray(router.candidates)) return router.candidates;
  throw badInput('router: expected what createRouter resolves to; is an await missing?');
}

/** Whether HTTP says that the same request may succeed elsewhere or later. */
export function isRetryableStatus(status) {
  return [408, 409, 429].includes(status) || status >= 500;
}

/** The other candidates that this request may go to, as the policy itself would choose next. */
function runnersUp({ model, scores }) {
  const open = scores.filter((score) => score.ineligible === undefined && score.model !== model);
  return open.sort((a, b) => b.utility - a.utility || a.usd - b.usd || b.quality - a.quality).map((score) => score.model);
}

async function firstAnswer(order, { ask, mayRetry, discard }, signal) {
  const failed = [];
  for (const model of order.slice(0, -1)) {
    const outcome = await settled(() => ask(model, failed.length === 0));
    const isFinal = signal?.aborted || !mayRetry(outcome);
    if (isFinal && 'error' in outcome) throw outcome.error;
    if (isFinal) return { value: outcome.value, model, failed };
    if ('value' in outcome) await discard(outcome.value)?.then(undefined, () => {});
    failed.push(model);
  }
  const last = order[order.length - 1];
  return { value: await ask(last, failed.length === 0), model: last, failed };
}

async function settled(ask) {
  try {
    return { value: await ask() };
  } catch (error) {
    return { error };
  }
}

/** How many further candidates may be asked. */
function readFallback(fallback) {
  if (fallback === true) return Infinity;
  if (fallback === false) return 0;
  if (Number.isSafeInteger(fallback) && fallback >= 0) return fallback;
  throw badInput('fallback: expected true, false or how many further candidates to ask');
}
