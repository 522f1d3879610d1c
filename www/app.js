/** The page: loads a router, opens tabs, and keeps itself for the time without a network. */

import { Dial } from './dial.js';
import { $, complain } from './dom.js';
import { openEngine } from './engine.js';
import { megabytes } from './figures.js';
import { keepOffline } from './offline.js';
import { startTabs } from './tabs.js';
import { BatchView } from './views/batch.js';
import { DialView } from './views/dial.js';
import { LearnView } from './views/learn.js';
import { RouteView } from './views/route.js';
import { SpeedView } from './views/speed.js';

const dial = new Dial();
const views = {
  route: new RouteView(dial),
  dial: new DialView(dial),
  batch: new BatchView(),
  learn: new LearnView(),
  speed: new SpeedView(),
};
const started = new Set();
let engine;
let opened;

/** A view starts when it is first seen, and there is a router. */
function start(name) {
  opened = name;
  if (!engine || started.has(name)) return;
  started.add(name);
  return views[name].start(engine);
}

/** @param {import('pointsman').Progress} progress */
function showProgress({ loaded, total }) {
  $('loading').hidden = false;
  $('progress').max = total || 1;
  $('progress').value = loaded;
  $('progress-text').textContent = `${megabytes(loaded)} of ${megabytes(total)} MB`;
}

/** The static tier answers first. When the full one does, what is shown is judged anew, and the page is worth keeping. */
async function moveOver(tier) {
  $('loading').hidden = true;
  $('loading-what').textContent = 'Answering from the static tier; loading the full one';
  if (!engine || tier !== 'full') return;
  engine.moveOver();
  await Promise.all([...started].map((name) => views[name].judgeAnew?.()));
  await keepOffline((text) => { $('offline').textContent = text; });
}

startTabs($('line'), start);
try {
  engine = await openEngine({ tier: 'auto', onProgress: showProgress, onTier: moveOver });
  await start(opened);
} catch (error) {
  $('loading').hidden = true;
  complain($('problem'), error);
}
