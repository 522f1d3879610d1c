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
 * @typedef {{ call: Call, options: import('../index.js').RouteOptions, decision: import('../index.js').Decision }} Routed
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

  /**
   * @param {Call} call
   * @returns {Promise<Routed>}
   */
  async decide(call) {
    const options = await this.#options(call);
    return { call, options, decision: await this.#route(call, options) };
  }

  /**
   * Asks the decided candidate, and the next ones where that fails. What comes back is the last one's, with the decision
   * on it.
   *
   * @template T
   * @param {Routed} routed
   * @param {Upstream<T>} upstream
   */
  async send({ call, options, decision }, { ask, mayRetry, discard }) {
    const others = runnersUp(decision);
    /** @type {string[]} */
    const failed = [];
    for (let asked = decision; ;) {
      const outcome = await settled(() => ask(asked.model, failed.length === 0));
      const isFinal = failed.length >= this.#spare || call.signal?.aborted || !mayRetry(outcome);
      const next = isFinal ? undefined : await this.#next(call, options, others);
      if (!next) return { value: valueOf(outcome), decision: asked, failed };
      if ('value' in outcome) await discard(outcome.value)?.then(undefined, () => {});
      failed.push(asked.model);
      asked = next;
    }
  }

  /**
   * A decision on the first of these that one can be made on. It is one of its own because a running budget must pay for
   * this question too: what was committed to the candidate that failed may have been charged.
   */
  async #next(call, options, others) {
    while (others.length > 0) {
      const pin = others.shift();
      try {
        return { ...await this.#route(call, { ...options, pin }), model: pin };
      } catch {
        // Such as one that costs more than is left. If it is none of them, the failure that there was is what comes back.
      }
    }
    return undefined;
  }

  async #route(call, options) {
    const decision = await this.#router.route(call.input, options);
    this.#tell(decision, call.source);
    return decision;
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

async function settled(ask) {
  try {
    return { value: await ask() };
  } catch (error) {
    return { error };
  }
}

function valueOf(outcome) {
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

/** How many further candidates may be asked. */
function readFallback(fallback) {
  if (fallback === true) return Infinity;
  if (fallback === false) return 0;
  if (Number.isSafeInteger(fallback) && fallback >= 0) return fallback;
  throw badInput('fallback: expected true, false or how many further candidates to ask');
}
