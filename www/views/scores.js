/** Every candidate of a decision as a row: figures over bars, the chosen one marked. */

import { element, vary } from '../dom.js';
import { usdPerThousand } from '../figures.js';

const INELIGIBLE = {
  context: 'prompt too long for it',
  capability: 'lacks an ability',
  price: 'too dear',
  allow: 'not allowed',
};

/**
 * @param {HTMLElement} body of the table
 * @param {import('pointsman').Decision} decision
 */
export function showScores(body, { scores, model }) {
  const range = extents(scores);
  body.replaceChildren(...scores.map((score) => row(score, score.model === model, range)));
}

/** What the bars of cost and utility are measured against. */
function extents(scores) {
  const utilities = scores.map((score) => score.utility);
  return {
    usd: Math.max(...scores.map((score) => score.usd)),
    low: Math.min(...utilities),
    high: Math.max(...utilities),
  };
}

function row(score, picked, range) {
  const name = element('th', score.model, { scope: 'row' });
  if (picked) name.append(element('span', 'chosen', { className: 'badge' }));
  if (score.ineligible) name.append(element('span', INELIGIBLE[score.ineligible], { className: 'badge' }));
  const utility = (score.utility - range.low) / (range.high - range.low || 1);
  const tr = element('tr', [
    name,
    cell(`${score.quality.toFixed(2)} ± ${score.spread.toFixed(2)}`, score.quality, 'quality', score.spread),
    cell(usdPerThousand(score.usd), score.usd / (range.usd || 1), 'usd'),
    cell(score.utility.toFixed(2), utility, 'utility'),
  ]);
  tr.classList.toggle('picked', picked);
  tr.classList.toggle('ineligible', score.ineligible !== undefined);
  return tr;
}

/** A figure over its bar; a spread becomes a thin line around the bar's end. */
function cell(text, share, kind, spread = 0) {
  const bar = vary(element('div', [], { className: 'bar' }), { share, spread });
  bar.setAttribute('aria-hidden', 'true');
  return element('td', [element('span', text, { className: 'figure' }), bar], { className: kind });
}
