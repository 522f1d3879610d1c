/** A run of chaos: rounds of requests with a budget each, some dozens at a time, and the books of all of it. */

import { createRouter } from '../../../../pkg/node.js';
import { Accountant, count } from './accountant.mjs';
import { CALLERS } from './callers.mjs';
import { chance } from './chance.mjs';
import { CANARY, planOf } from './requests.mjs';
import { startUpstream } from './upstream.mjs';

/** By when a request has ended, or is lost: many times its caller's patience. */
const PATIENCES = 24;

/** US dollars a request: a budget that is soon spent, one that is spent before the end, and one that is enough. */
const BUDGETS = [0.0002, 0.003, 1];

/**
 * @param {object} size
 * @param {number} size.seed
 * @param {string} size.kind one of CALLERS
 * @param {number} size.requests
 * @param {number} size.round how many share a budget
 * @param {number} [size.atOnce]
 * @param {number} [size.patienceMs]
 * @returns {Promise<Accountant & { budgets: Record<string, number>, feedbacks: number }>} `complaints` is empty where all went well
 */
export async function chaos({ seed, kind, requests, round, atOnce = 40, patienceMs = 2500 }) {
  const { candidates } = await createRouter({ tier: 'static' });
  const books = Object.assign(new Accountant(candidates), { budgets: {}, feedbacks: 0 });
  const quiet = eavesdrop(books);
  const upstream = await startUpstream(seed, books);
  try {
    for (let from = 0; from < requests; from += round) {
      const setting = { seed, url: upstream.url, candidates, log: quiet.hear, atOnce, patienceMs };
      await runRound(setting, kind, books, { from, to: Math.min(requests, from + round) });
    }
  } finally {
    await upstream.stop();
    quiet.stop();
  }
  if (books.sent !== books.ended) books.complain(`${books.sent} requests were sent, ${books.ended} ended`);
  return books;
}

async function runRound(setting, kind, books, { from, to }) {
  const perRequest = chance(setting.seed, kind, 'budget', from).pick(BUDGETS);
  const purse = { limitUsd: perRequest * (to - from), billedUsd: 0, isHarsh: chance(setting.seed, kind, 'harsh', from).is(0.5) };
  const caller = await CALLERS[kind]({ ...setting, budgetUsd: purse.limitUsd });
  const models = setting.candidates.map(({ id }) => id);
  let next = from;
  const one = async () => {
    while (next < to) await ask({ caller, books, purse, patienceMs: setting.patienceMs }, planOf(setting.seed, next++, models, purse.isHarsh));
  };
  await Promise.all(Array.from({ length: setting.atOnce }, one));
  const budget = await caller.budget();
  books.audit(purse, budget);
  count(books.budgets, `${purse.isHarsh ? 'harsh' : 'mild'}, ${budget.committedUsd > 0.8 * budget.limitUsd ? 'spent' : 'left'}`);
  await caller.stop();
}

async function ask({ caller, books, purse, patienceMs }, plan) {
  const { id, isRouted, isOdd, abortAfterMs } = plan;
  books.send({ id, isRouted, isOdd, purse, canAbort: abortAfterMs !== undefined });
  const leaving = new AbortController();
  const timer = abortAfterMs !== undefined && setTimeout(() => leaving.abort(), abortAfterMs);
  const begun = performance.now();
  const outcome = await within(PATIENCES * patienceMs, caller.call(plan, leaving.signal));
  if (timer) clearTimeout(timer);
  if (!outcome) return books.complain(`request ${id} is lost: no end within ${PATIENCES * patienceMs} ms`);
  books.end(id, { ...outcome, isSlow: performance.now() - begun > patienceMs });
  if (outcome.kind !== 'answer' || !outcome.decision || !isRouted || !plan.draw.is(0.7)) return undefined;
  return settle(caller, books, plan, outcome.decision);
}

/** Tells the cost of an answer; what is told of nothing, or twice, must be refused. */
async function settle(caller, books, { id, draw }, decision) {
  const told = draw.is(0.03) ? `${decision}x` : decision;
  try {
    await caller.settle(told, books.lastBillOf(id));
    books.feedbacks += 1;
    if (told !== decision) books.complain(`request ${id}: feedback for ${told} was heard`);
  } catch (error) {
    if (told === decision) books.complain(`request ${id}: feedback was refused: ${error.stack}`);
  }
}

async function within(ms, work) {
  let timer;
  const late = new Promise((resolve) => { timer = setTimeout(resolve, ms); });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Hears what is logged, and what nobody caught. */
function eavesdrop(books) {
  const methods = ['log', 'info', 'warn', 'error', 'debug'];
  const before = methods.map((method) => console[method]);
  const hear = (...said) => {
    const line = said.map((part) => (typeof part === 'string' ? part : part?.stack ?? JSON.stringify(part))).join(' ');
    if (line.includes(CANARY)) books.complain(`a prompt is in the log: ${line.slice(0, 300)}`);
    else count(books.logged ??= {}, line.split('\n')[0].slice(0, 100));
  };
  const stray = (error) => books.complain(`nobody caught ${error?.stack ?? error}`);
  for (const method of methods) console[method] = hear;
  process.on('unhandledRejection', stray).on('uncaughtException', stray);
  return {
    hear,
    stop() {
      methods.forEach((method, at) => { console[method] = before[at]; });
      process.off('unhandledRejection', stray).off('uncaughtException', stray);
    },
  };
}
