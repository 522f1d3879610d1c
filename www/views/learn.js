/** The fourth tab: thumbs teach a router of its own, whose memory stays in this browser. */

import { createRouter } from '../pointsman/worker/browser.js';
import { $, complain, element, rows, vary } from '../dom.js';
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
  #files;

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

  /** What was learned on other files is of no use to these, and said to be so. */
  async #recall() {
    const saved = await kept(DRAWER);
    this.#files = await filesOf();
    if (!saved) return;
    if (saved.files === this.#files) {
      await this.#router.mergeState(saved.state);
      this.#heard = saved.heard;
    } else {
      await forget(DRAWER);
      $('learn-said').textContent = 'The router’s files have changed since you taught it, so it begins anew.';
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
    await keep(DRAWER, { state: await this.#router.exportState(), heard: this.#heard, files: this.#files });
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

  #show(ranked) {
    const before = new Map(ranked.map((score) => [score.model, score.quality]));
    const all = Object.values(this.#heard).reduce((sum, { up, down }) => sum + up + down, 0);
    $('learn-count').textContent = all ? `${plural(all, 'thumb')} so far, kept in this browser.` : 'Nothing learned yet.';
    $('learn-clear').disabled = all === 0;
    $('learn-table').replaceChildren(...rows(this.#decision.scores.map(({ model, quality }) => {
      const { up = 0, down = 0 } = this.#heard[model] ?? {};
      const shipped = before.get(model);
      return [model, up + down ? `${up} up, ${down} down` : '–', percent(shipped), now(quality, shipped), moved(quality - shipped)];
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

/** A bar for what is estimated now, with a tick where it was when the router was shipped. */
function now(quality, shipped) {
  const bar = vary(element('div', [], { className: 'bar', ariaHidden: 'true' }), { share: quality, tick: shipped });
  return element('div', [percent(quality), bar], { className: 'now' });
}

/** The hashes of the files that were taught. */
async function filesOf() {
  const response = await fetch(new URL('../pointsman/assets/assets.json', import.meta.url));
  const { 'router.bin': router, 'embedder.bin': embedder } = await response.json();
  return `${router.sha256} ${embedder.sha256}`;
}

function moved(difference) {
  const text = points(difference);
  return element('span', text, { className: Math.abs(difference) < 0.0005 ? 'faint' : difference > 0 ? 'rise' : 'fall' });
}
