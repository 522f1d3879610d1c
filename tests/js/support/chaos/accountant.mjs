/**
 * Keeps the books of a run, from nothing that the package says of itself: which requests were sent and how they ended, what
 * the upstream was asked and charged, and whether the two fit together.
 */

import { FAULTS } from './faults.mjs';

/** What a request that sets no limit gets: a router commits the expected length of an answer, and no answer is shorter. */
const UNLIMITED_TOKENS = 1;

/** Sums of many small amounts of money differ in their last digits by the order in which they are made. */
const ROUNDING = 1e-9;

/** Outcomes that are right whatever the upstream did: the end of somebody's patience, or a refusal before anything was sent. */
const ALWAYS = new Set(['refused', 'timeout']);

/**
 * @typedef {object} Purse one running budget
 * @property {number} limitUsd
 * @property {boolean} isHarsh whether failures are charged as if all had been answered, so that nothing that was committed
 *   to them can hide what was not
 * @property {number} billedUsd what the upstream charged for decisions of this budget: the most, until it is known
 */

export class Accountant {
  /** Whatever is wrong, in words. */
  complaints = [];
  sent = 0;
  ended = 0;
  overspent = 0;
  asked = 0;
  /** How often, by outcome, and by fault and outcome. */
  outcomes = {};
  faults = {};
  #prices;
  #open = new Map();

  /** @param {readonly import('../../../../pkg/index.js').Candidate[]} candidates */
  constructor(candidates) {
    this.#prices = new Map(candidates.map((candidate) => [candidate.id, candidate]));
  }

  /**
   * A request goes out.
   *
   * @param {{ id: number, isRouted: boolean, isOdd: boolean, purse: Purse, canAbort: boolean }} about `isRouted`: the budget
   *   pays for it; `isOdd`: it may be none that the upstream takes for a request
   */
  send(about) {
    this.sent += 1;
    this.#open.set(about.id, { ...about, asks: [] });
  }

  attemptsOf(id) {
    return this.#open.get(id)?.asks.length ?? 0;
  }

  /** What the upstream charged for the last attempt of a request. */
  lastBillOf(id) {
    return this.#open.get(id).asks.at(-1)?.usd;
  }

  /** The upstream is asked: from now on it may charge the most that this can cost. */
  ask({ id, fault, body }) {
    const { purse, isRouted, asks } = this.#open.get(id);
    const { usdPerMtokIn = 0, usdPerMtokOut = 0 } = this.#prices.get(body.model) ?? {};
    const [inputTokens, mostTokens] = [leastTokens(body), longestAnswer(body)];
    const ask = { fault, usd: 0 };
    const bill = (usage) => {
      const usd = (usage.inputTokens * usdPerMtokIn + usage.answerTokens * usdPerMtokOut) / 1e6;
      if (isRouted) purse.billedUsd += usd - ask.usd;
      ask.usd = usd;
      return { prompt_tokens: usage.inputTokens, completion_tokens: usage.answerTokens, total_tokens: usage.inputTokens + usage.answerTokens };
    };
    asks.push(ask);
    this.asked += 1;
    bill({ inputTokens, answerTokens: mostTokens });
    this.#checkLimit(purse, id);
    return { bill, isHarsh: purse.isHarsh, used: (text) => ({ inputTokens, answerTokens: Math.min(mostTokens, text.split(' ').length) }) };
  }

  #checkLimit(purse, id) {
    if (purse.billedUsd <= purse.limitUsd + ROUNDING) return;
    this.overspent += 1;
    this.complain(`request ${id}: $${purse.billedUsd} were charged of a budget of $${purse.limitUsd}`);
  }

  /** What a router says of its budget, while nothing is under way. */
  audit(purse, { limitUsd, committedUsd }) {
    if (purse.billedUsd <= committedUsd + ROUNDING && committedUsd <= limitUsd + ROUNDING && limitUsd === purse.limitUsd) return;
    this.overspent += 1;
    this.complain(`$${purse.billedUsd} were charged, $${committedUsd} committed, of $${limitUsd} (given: $${purse.limitUsd})`);
  }

  /**
   * A request has ended. What fits is what the last question can lead to; but if somebody lost patience on the way, that may
   * have reached the upstream before one which was given up.
   *
   * @param {number} id
   * @param {{ kind: string, label?: string, detail?: string, isSlow?: boolean }} outcome
   */
  end(id, { kind, label = '', detail = '', isSlow = false }) {
    const request = this.#open.get(id);
    const fault = request.asks.at(-1)?.fault ?? 'not asked';
    this.ended += 1;
    count(this.outcomes, `${kind} ${label}`.trim());
    count(this.faults[fault] ??= {}, kind);
    const met = request.asks.slice(isSlow ? 0 : -1).flatMap((ask) => FAULTS[ask.fault].ends);
    const ends = request.isOdd && request.asks.length === 0 ? ['status'] : met;
    const isRight = kind === 'aborted' ? request.canAbort : ALWAYS.has(kind) || ends.includes(kind);
    if (!isRight) this.complain(`request ${id} ended as ${kind} ${label}, after ${request.asks.map((ask) => ask.fault).join(', ') || 'no question'} ${detail}`);
  }

  complain(what) {
    this.complaints.push(what);
  }
}

export function count(counts, key) {
  counts[key] = (counts[key] ?? 0) + 1;
}

/**
 * No tokenizer makes fewer tokens than there are words, so this is what the upstream surely reads. Pictures it prices
 * as it likes; the router does not know them either.
 */
function leastTokens({ messages, input, instructions, tools, functions, response_format: format }) {
  let words = 0;
  const rest = [messages, input, instructions, tools, functions, format];
  while (rest.length > 0) {
    const value = rest.pop();
    if (typeof value === 'string') words += value.startsWith('data:') ? 0 : value.split(/\s+/).filter((word) => /[a-z0-9]/i.test(word)).length;
    else if (value !== null && typeof value === 'object') for (const inner of Object.values(value)) rest.push(inner);
  }
  return words;
}

/** Which of its names for the limit an upstream heeds, nobody knows beforehand. */
function longestAnswer({ max_tokens: old, max_completion_tokens: chat, max_output_tokens: responses, n }) {
  const limits = [old, chat, responses].filter((limit) => Number.isFinite(limit) && limit >= 0);
  const answers = Number.isSafeInteger(n) && n > 1 ? n : 1;
  return answers * (limits.length > 0 ? Math.max(...limits) : UNLIMITED_TOKENS);
}
