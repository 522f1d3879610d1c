/** The router of the page. It works on a thread of its own, so that the page never waits for it. */

import { createRouter } from './pointsman/worker/browser.js';
import { PROMPTS } from './prompts.js';
import { bestOf, singlesOf } from './plan.js';

/** @typedef {import('pointsman/worker').WorkerRouter} Router */

/**
 * @typedef {object} Sample the example prompts, as the router judges them
 * @property {import('pointsman').Plan} plan
 * @property {import('pointsman').Decision[]} usual what `route` decides without a dial
 * @property {{ model: string, usd: number, quality: number }[]} singles every candidate as the only one
 * @property {{ model: string, usd: number, quality: number }} best the best of these
 */

export class Engine {
  /** @type {Router} */
  router;
  /** @type {Promise<Sample> | undefined} */
  #sample;

  /** @param {Router} router */
  constructor(router) {
    this.router = router;
  }

  /** @param {import('pointsman').RouterOptions} options */
  static async open(options) {
    return new Engine(await createRouter(options));
  }

  get models() {
    return this.router.candidates.map(({ id }) => id);
  }

  /** The example prompts, judged once by each tier. */
  sample() {
    return this.#sample ??= judge(this.router);
  }

  /** Another tier answers from now on. */
  moveOver() {
    this.#sample = undefined;
  }
}

/** @returns {Promise<Sample>} */
async function judge(router) {
  const plan = await router.assign(PROMPTS, { costWeight: 1 });
  const usual = await Promise.all(PROMPTS.map((prompt) => router.route(prompt)));
  const singles = singlesOf(plan.picks.map(({ scores }) => scores));
  return { plan, usual, singles, best: bestOf(singles) };
}
