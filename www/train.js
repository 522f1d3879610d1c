/** A goods train: one wagon for each prompt, or for each candidate's share, in the candidate's colour. */

import { element, vary } from './dom.js';
import { plural } from './figures.js';

/** Cheap candidates are pale, dear ones deep: where each stands in the catalog by price. */
export function tonesOf(singles) {
  const order = [...singles].sort((a, b) => a.usd - b.usd).map(({ model }) => model);
  return new Map(order.map((model, place) => [model, order.length > 1 ? place / (order.length - 1) : 1]));
}

/** The whole train as blocks, as wide as the candidates' shares. */
export function showShares(place, shares, tones) {
  const total = shares.reduce((sum, [, prompts]) => sum + prompts, 0);
  place.replaceChildren(...shares.filter(([, prompts]) => prompts > 0).map(([model, prompts]) => (
    vary(element('span', [], { className: 'wagon' }), { tone: tones.get(model) ?? 1, share: prompts / total })
  )));
}

/** What the colours mean, and how many prompts each candidate gets. */
export function showLegend(place, shares, tones) {
  const byTone = [...shares].sort(([a], [b]) => tones.get(a) - tones.get(b));
  place.replaceChildren(...byTone.map(([model, prompts]) => {
    const chip = vary(element('span', [], { className: 'chip' }), { tone: tones.get(model) ?? 1 });
    return element('li', [chip, `${model} `, element('span', plural(prompts, 'prompt'), { className: 'faint' })], { className: prompts ? '' : 'none' });
  }));
}
