/** The page: opens tabs over the router that boot.js has started, and keeps itself for the time without a network. */

import { opening, watchTier } from './boot.js';
import { Dial } from './dial.js';
import { $, complain } from './dom.js';
import { hearOfUpdates, keepOffline } from './offline.js';
import { startTabs } from './tabs.js';
import { RouteView } from './views/route.js';

const dial = new Dial();
const route = new RouteView(dial);
/** All but the first tab come after the first decision, or when they are opened. */
const VIEWS = {
  route: async () => route,
  dial: async () => new (await import('./views/dial.js')).DialView(dial),
  batch: async () => new (await import('./views/batch.js')).BatchView(),
  learn: async () => new (await import('./views/learn.js')).LearnView(),
  speed: async () => new (await import('./views/speed.js')).SpeedView(),
};
const views = new Map();
/** What each view that was opened is at, so that it is not asked for two things at once. */
const started = new Map();
let engine;
let opened;

function view(name) {
  if (!views.has(name)) views.set(name, VIEWS[name]());
  return views.get(name);
}

/** A view starts when it is first seen, and there is a router. */
function start(name) {
  opened = name;
  if (!engine || started.has(name)) return;
  const shown = view(name).then((made) => made.start(engine));
  started.set(name, shown.catch((error) => complain($('problem'), error)));
}

/** What the static tier has judged is judged anew by the full one. Then the page has all that is worth keeping. */
async function moveOver(tier) {
  if (tier !== 'full') return;
  engine.moveOver();
  for (const [name, ready] of started) started.set(name, ready.then(async () => (await view(name)).judgeAnew?.()));
  await Promise.all(started.values());
  await keepOffline((text) => { $('offline').textContent = text; });
}

startTabs($('line'), start);
hearOfUpdates((text) => { $('update').textContent = text; });
try {
  engine = await opening;
  start(opened);
  await started.get(opened);
  watchTier(moveOver);
  await Promise.all(Object.keys(VIEWS).map(view));
} catch (error) {
  complain($('problem'), error);
}
