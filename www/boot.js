/** Runs first and alone: the router's thread starts while the rest of the page is still on its way. */

import { $ } from './dom.js';
import { Engine } from './engine.js';
import { megabytes } from './figures.js';

/** @type {((tier: import('pointsman').Tier) => void)[]} */
const watchers = [];
/** @type {import('pointsman').Tier | undefined} */
let answering;

export const opening = Engine.open({ tier: 'auto', onProgress: showProgress, onTier: moveOver });
opening.catch(() => { $('loading').hidden = true; }); // app.js says why

/** @param {(tier: import('pointsman').Tier) => void} watch told of the tier that answers, now and whenever it changes */
export function watchTier(watch) {
  watchers.push(watch);
  if (answering) watch(answering);
}

/** @param {import('pointsman').Progress} progress */
function showProgress({ loaded, total }) {
  $('loading').hidden = false;
  $('progress').max = total || 1;
  $('progress').value = loaded;
  $('progress-text').textContent = `${megabytes(loaded)} of ${megabytes(total)} MB`;
}

function moveOver(tier) {
  answering = tier;
  $('loading').hidden = true;
  $('loading-what').textContent = 'Answering from the static tier; loading the full one';
  for (const watch of watchers) watch(tier);
}
