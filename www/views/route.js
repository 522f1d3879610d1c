/** The first tab: a prompt and a dial go in, the decision is drawn. */

import { explain } from '../pointsman/worker/browser.js';
import { dialOf, showDial } from '../dial.js';
import { $, complain, element, facts } from '../dom.js';
import { EXAMPLES } from '../examples.js';
import { ms, plural, saving, usdPerThousand } from '../figures.js';
import { drawTracks } from '../tracks.js';
import { showScores } from './scores.js';

/** Long enough that a fast typist is not interrupted, short enough to feel immediate. */
const PAUSE_MS = 120;

export class RouteView {
  #engine;
  #dial;
  #pause;
  #asked = 0;
  #best;

  constructor(dial) {
    this.#dial = dial;
    offerExamples((text) => {
      $('prompt').value = text;
      this.#soon();
    });
    $('prompt').value ||= EXAMPLES[0].text;
    $('prompt').addEventListener('input', () => this.#soon());
    showDial($('route-dial'), dial);
    dial.watch(() => this.#soon());
  }

  /** The first decision is what everybody waits for, so it comes before the sample that it is compared with. */
  async start(engine) {
    this.#engine = engine;
    await this.#decide();
    await this.judgeAnew();
  }

  async judgeAnew() {
    this.#best = (await this.#engine.sample()).best.model;
    await this.#decide();
  }

  async #decide() {
    const text = $('prompt').value;
    if (!this.#engine || text.trim() === '') return;
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const decision = await this.#engine.router.route(text, dialOf(this.#dial.position));
      if (asked !== this.#asked) return; // the person has typed on
      complain($('route-problem'));
      showDecision(decision, this.#best);
      const stats = await this.#engine.router.stats();
      showEngine(stats);
      if (stats.upgradeError) showStaying(stats.upgradeError);
    } catch (error) {
      complain($('route-problem'), error);
    }
  }

  #soon() {
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#decide(), PAUSE_MS);
  }
}

function offerExamples(taken) {
  $('examples').append(...EXAMPLES.map(({ title, text }) => {
    const button = element('button', title, { type: 'button' });
    button.addEventListener('click', () => taken(text));
    return button;
  }));
}

/** @param {import('pointsman').Decision} decision */
function showDecision(decision, best) {
  $('decision').hidden = false;
  const words = explain(decision);
  const [first] = words.split('\n', 1);
  $('pick-model').textContent = decision.model;
  $('pick-reason').textContent = first.slice(decision.model.length + 2);
  $('pick-tier').textContent = `${decision.tier} tier`;
  const { quality } = decision.scores.find((score) => score.model === decision.model) ?? {};
  $('facts').replaceChildren(...facts({
    quality: quality?.toFixed(2) ?? '–',
    'USD per 1,000': usdPerThousand(decision.usd),
    'decided in': ms(decision.ms),
    ...(decision.truncated && { prompt: 'its beginning and end were read' }),
  }));
  showComparison(decision, best);
  showScores($('candidates'), decision);
  drawTracks($('tracks'), decision.scores.map((score) => score.model === decision.model));
  $('explained').textContent = words;
}

/** What this prompt costs beside always asking the best single candidate. */
function showComparison({ model, usd, scores }, best) {
  const always = scores.find((score) => score.model === best);
  if (!always) return;
  $('against').textContent = model === best
    ? `${best} is also the best single candidate: always asking it would cost the same.`
    : `Costs ${saving(usd, always.usd)} than always asking the best single candidate, ${best} ($${usdPerThousand(always.usd)} per 1,000).`;
}

/** The full tier could not be had: nobody waits for it any more. */
function showStaying({ code, message }) {
  $('loading').hidden = true;
  complain($('route-problem'), { code, message: `${message}. The static tier goes on answering.` });
}

/** @param {import('pointsman').Stats} stats */
function showEngine({ calls, wasmBytes, simd }) {
  $('engine').textContent = `Tokenizer, sentence network and policy run on this device; no prompt leaves it. `
    + `${plural(calls, 'decision')}, ${(wasmBytes / 2 ** 20).toFixed(0)} MiB of memory, WebAssembly ${simd}.`;
}
