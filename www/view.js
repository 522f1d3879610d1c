/** What the page shows. Reads nothing, decides nothing. */

import { drawTracks } from './tracks.js';

const $ = (id) => document.getElementById(id);
const REASONS = {
  utility: 'the best quality for its cost at this dial',
  budget: 'the best within the limits',
  'only-eligible': 'no other candidate is within the limits',
  'low-confidence': 'the prompt is unlike those the router was trained on: mean scores decide',
  'fallback-error': 'the engine failed, so the fallback was taken',
};
const INELIGIBLE = {
  context: 'prompt too long for it',
  capability: 'lacks an ability',
  price: 'too dear',
  allow: 'not allowed',
};

/** Three figures tell prices apart, whatever their size. */
const usdPerThousand = (usd) => (1000 * usd).toPrecision(3);
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

/** @param {{ loaded: number, total: number }} progress */
export function showProgress({ loaded, total }) {
  $('progress').max = total || 1;
  $('progress').value = loaded;
  $('progress-text').textContent = `${megabytes(loaded)} of ${megabytes(total)} MB`;
}

export function showReady() {
  $('loading').hidden = true;
}

/** @param {Error & { code?: string }} error */
export function showProblem(error) {
  $('loading').hidden = true;
  $('decision').hidden = true;
  $('problem').hidden = false;
  $('problem').textContent = `${error.code ?? error.name}: ${error.message}`;
}

/** @param {import('pointsman').Decision} decision */
export function showDecision(decision) {
  $('problem').hidden = true;
  $('decision').hidden = false;
  $('pick-model').textContent = decision.model;
  $('pick-reason').textContent = REASONS[decision.reason];
  const { quality } = decision.scores.find((score) => score.model === decision.model) ?? {};
  $('facts').replaceChildren(
    ...fact('quality', quality?.toFixed(2) ?? '–'),
    ...fact('USD per 1,000', usdPerThousand(decision.usd)),
    ...fact('decided in', `${decision.ms.toFixed(1)} ms`),
    ...(decision.truncated ? fact('prompt', 'only its beginning was read') : []),
  );
  const range = extents(decision.scores);
  $('candidates').replaceChildren(...decision.scores.map((score) => row(score, score.model === decision.model, range)));
  drawTracks($('tracks'), decision.scores.map((score) => score.model === decision.model));
}

/** @param {import('pointsman').Stats} stats */
export function showEngine({ calls, p50Ms, wasmBytes, simd }) {
  $('engine').textContent = `Tokenizer, sentence network and policy run in this tab; no prompt leaves it. `
    + `${calls} ${calls === 1 ? 'decision' : 'decisions'}, median ${p50Ms.toFixed(1)} ms, `
    + `${(wasmBytes / 2 ** 20).toFixed(0)} MiB of memory, WebAssembly ${simd}.`;
}

function fact(name, value) {
  return [element('dt', name), element('dd', value)];
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
  const tr = document.createElement('tr');
  tr.classList.toggle('picked', picked);
  tr.classList.toggle('ineligible', score.ineligible !== undefined);
  const name = element('th', score.model);
  name.scope = 'row';
  if (picked) name.append(element('span', 'chosen', 'badge'));
  if (score.ineligible) name.append(element('span', INELIGIBLE[score.ineligible], 'badge'));
  const utility = (score.utility - range.low) / (range.high - range.low || 1);
  tr.append(
    name,
    cell(`${score.quality.toFixed(2)} ± ${score.spread.toFixed(2)}`, score.quality, 'quality', score.spread),
    cell(usdPerThousand(score.usd), score.usd / (range.usd || 1), 'usd'),
    cell(score.utility.toFixed(2), utility, 'utility'),
  );
  return tr;
}

/** A figure over its bar; a spread becomes a thin line around the bar's end. */
function cell(text, share, kind, spread = 0) {
  const td = element('td', '', kind);
  const bar = element('div', '', 'bar');
  bar.style.setProperty('--share', share.toFixed(4));
  bar.style.setProperty('--spread', spread.toFixed(4));
  bar.setAttribute('aria-hidden', 'true');
  td.append(element('span', text, 'figure'), bar);
  return td;
}

function element(tag, text, className = '') {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}
