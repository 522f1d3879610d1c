/** The second tab: where the dial puts forty example prompts on the curve of cost and quality. */

import { dialOf, showDial } from '../dial.js';
import { $, complain, element, facts, rows, vary } from '../dom.js';
import { percent, points, saving, short, usdPerThousand } from '../figures.js';
import { pickAt, rateOf, sharesOf, totals } from '../plan.js';
import { Plot } from '../plot.js';
import { PROMPTS } from '../prompts.js';
import { showLegend, tonesOf } from '../train.js';

const AXES = { x: 'US dollars per 1,000 prompts', y: 'mean predicted quality', xText: short, yText: percent, log: 'x' };

export class DialView {
  #engine;
  #dial;
  #plot;
  #models;
  #judged;
  #tones;
  #wagons;

  constructor(dial) {
    this.#dial = dial;
    this.#plot = new Plot($('dial-plot'), AXES);
    showDial($('dial-dial'), dial);
    this.#wagons = PROMPTS.map((prompt) => element('li', [], { className: 'wagon', title: prompt }));
    $('dial-train').append(...this.#wagons);
    dial.watch(() => this.#show());
  }

  async start(engine) {
    this.#engine = engine;
    await this.judgeAnew();
  }

  async judgeAnew() {
    try {
      this.#models = this.#engine.models;
      this.#judged = await this.#engine.sample();
      this.#tones = tonesOf(this.#judged.singles);
      $('dial-table').replaceChildren(...rows(frontRows(this.#judged)));
      $('dial-wait').hidden = true;
      $('dial-shown').hidden = false;
      this.#show();
    } catch (error) {
      complain($('dial-problem'), error);
    }
  }

  #show() {
    if (!this.#judged) return;
    const { plan, singles, best } = this.#judged;
    const picks = picksOf(this.#judged, dialOf(this.#dial.position));
    const reached = totals(picks);
    this.#plot.show({
      x: plan.frontier.map((point) => perThousand(point.usd)),
      lines: [{ colour: 'quality', y: plan.frontier.map((point) => point.quality) }],
      marks: singles.map(({ model, usd, quality }) => ({ name: model, x: perThousand(usd), y: quality })),
      here: { x: perThousand(reached.usd), y: reached.quality },
    });
    $('dial-facts').replaceChildren(...facts({
      'predicted quality': percent(reached.quality),
      'USD per 1,000': usdPerThousand(reached.usd / PROMPTS.length),
      [`against ${best.model} alone`]: `${saving(reached.usd, best.usd)}, ${points(reached.quality - best.quality)} points`,
    }));
    this.#showPicks(picks);
  }

  #showPicks(picks) {
    showLegend($('dial-legend'), sharesOf(picks, this.#models), this.#tones);
    for (const [i, { model }] of picks.entries()) {
      vary(this.#wagons[i], { tone: this.#tones.get(model) });
      this.#wagons[i].title = `${PROMPTS[i]} → ${model}`;
    }
    $('dial-picks').replaceChildren(...rows(picks.map(({ model }, i) => [PROMPTS[i], model])));
  }
}

/** Without a dial, what `route` decides; at a weight of cost, whatever wins at its rate. */
function picksOf({ plan, usual }, { costWeight }) {
  if (costWeight === undefined) return usual.map(({ model, scores }) => scores.find((score) => score.model === model));
  return plan.picks.map((pick) => pickAt(pick.scores, costWeight * rateOf(pick))); // the plan was made at weight 1
}

const perThousand = (usd) => (1000 * usd) / PROMPTS.length;

/** The curve as a table: the single candidates, and ten points of the front. */
function frontRows({ plan: { frontier }, singles }) {
  const chosen = Array.from({ length: 10 }, (_, i) => frontier[Math.round((i * (frontier.length - 1)) / 9)]);
  const row = (name, { usd, quality }) => [name, usdPerThousand(usd / PROMPTS.length), percent(quality)];
  return [...singles.map((single) => row(`${single.model} alone`, single)), ...chosen.map((point, i) => row(`routed, ${i + 1} of 10`, point))];
}
