/** The fourth tab: thumbs teach a router of its own, whose memory stays in this browser. */

import { createRouter } from 'pointsman/worker';
import { $, complain, element, rows } from '../dom.js';
import { percent, plural, points } from '../figures.js';
import { forget, keep, kept } from '../store.js';

const DRAWER = 'learned';
/** Few thumbs shall be seen to count, so the shipped head is trusted less than by default. */
export const LEARN = { ridge: 5, dimensions: 64 };

export class LearnView {
  #plain;
  #router;
  #decision;
  #heard = {};

  constructor() {
    $('learn-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#try(() => this.#route());
    });
    $('learn-up').addEventListener('click', () => this.#try(() => this.#hear(1)));
    $('learn-down').addEventListener('click', () => this.#try(() => this.#hear(0)));
    $('learn-clear').addEventListener('click', () => this.#try(() => this.#clear()));
  }

  async start(engine) {
    await this.#try(async () => {
      this.#plain = engine.router;
      await this.#open();
      await this.#recall();
      await this.#route();
      $('learn-wait').hidden = true;
      $('learn-shown').hidden = false;
    });
  }

  async #open() {
    this.#router = await createRouter({ learn: LEARN, tier: 'full' });
  }

  /** What was kept of a router whose files have changed since is of no use to this one, and said to be so. */
  async #recall() {
    const saved = await kept(DRAWER);
    if (!saved) return;
    try {
      await this.#router.mergeState(saved.state);
      this.#heard = saved.heard;
    } catch (error) {
      if (!['MISMATCH', 'BAD_ARTIFACT'].includes(error.code)) throw error;
      await forget(DRAWER);
      $('learn-said').textContent = `What was kept does not fit this router any more (${error.message}), so it begins anew.`;
    }
  }

  async #route() {
    const prompt = $('learn-prompt').value;
    this.#decision = await this.#router.route(prompt);
    const shipped = await this.#plain.rank(prompt);
    $('learn-model').textContent = this.#decision.model;
    for (const thumb of ['learn-up', 'learn-down']) $(thumb).disabled = false;
    this.#show(shipped);
  }

  /** A thumb is a score for the last decision; then the same prompt is routed again, to see what it did. */
  async #hear(score) {
    const { id, model } = this.#decision;
    for (const thumb of ['learn-up', 'learn-down']) $(thumb).disabled = true; // each decision is judged once
    await this.#router.feedback(id, { score });
    const { up = 0, down = 0 } = this.#heard[model] ?? {};
    this.#heard = { ...this.#heard, [model]: { up: up + score, down: down + 1 - score } };
    await keep(DRAWER, { state: await this.#router.exportState(), heard: this.#heard });
    await this.#route();
    const stays = this.#decision.model === model ? 'still goes to' : 'now goes to';
    $('learn-said').textContent = `${score ? 'Thumbs up' : 'Thumbs down'} for ${model}. The same prompt ${stays} ${this.#decision.model}.`;
  }

  async #clear() {
    await forget(DRAWER);
    await this.#router[Symbol.asyncDispose]();
    this.#heard = {};
    await this.#open();
    await this.#route();
    $('learn-said').textContent = 'Forgotten. The router is as it was shipped.';
  }

  #show(shipped) {
    const before = new Map(shipped.map((score) => [score.model, score.quality]));
    const all = Object.values(this.#heard).reduce((sum, { up, down }) => sum + up + down, 0);
    $('learn-count').textContent = all ? `${plural(all, 'thumb')} so far, kept in this browser.` : 'Nothing learned yet.';
    $('learn-clear').disabled = all === 0;
    $('learn-table').replaceChildren(...rows(this.#decision.scores.map(({ model, quality }) => {
      const { up = 0, down = 0 } = this.#heard[model] ?? {};
      return [model, `${up} up, ${down} down`, percent(before.get(model)), percent(quality), moved(quality - before.get(model))];
    })));
  }

  async #try(work) {
    complain($('learn-problem'));
    try {
      await work();
    } catch (error) {
      complain($('learn-problem'), error);
    }
  }
}

function moved(difference) {
  const text = points(difference);
  return element('span', text, { className: Math.abs(difference) < 0.0005 ? 'faint' : difference > 0 ? 'rise' : 'fall' });
}
