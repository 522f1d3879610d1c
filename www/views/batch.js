/** The third tab: a file of prompts is planned as a whole, and a point on its front is chosen. */

import { $, complain, facts, rows } from '../dom.js';
import { count, megabytes, percent, plural, points, saving, short, usd } from '../figures.js';
import { csvOf, jsonLinesOf, readFile, readPrompts } from '../batch-file.js';
import { bestOf, frontOf, picksAt, sharesOf, singlesOf } from '../plan.js';
import { Plot } from '../plot.js';
import { PROMPTS } from '../prompts.js';
import { showLegend, showShares, tonesOf } from '../train.js';

const AXES = { x: 'US dollars for the batch', y: 'mean predicted quality', xText: short, yText: percent, log: 'x' };
/** Prompts judged between two looks at whether the person still wants them. */
const CHUNK = 16;
/** Stops of the slider, and points of the curve that are drawn: a front of 20,000 prompts has some 100,000. */
const STOPS = 500;
/** Rows of the plan that the page shows; the download has them all. */
const SHOWN = 50;

export class BatchView {
  #engine;
  #plot;
  #running;
  /** A chosen file's text. It stays out of the field, where thousands of lines would make the page slow. */
  #file;
  #batch;

  constructor() {
    this.#plot = new Plot($('batch-plot'), AXES, (x) => this.#take(nearest(this.#batch.front.points, x)));
    $('batch-sample').addEventListener('click', () => {
      $('batch-text').value = PROMPTS.join('\n');
      this.#forgetFile();
    });
    $('batch-text').addEventListener('input', () => this.#forgetFile());
    $('batch-file').addEventListener('change', () => this.#read($('batch-file').files[0]));
    $('batch-run').addEventListener('click', () => this.#run());
    $('batch-cancel').addEventListener('click', () => this.#running?.abort());
    $('batch-slider').addEventListener('input', () => this.#take(this.#batch.stops[$('batch-slider').valueAsNumber]));
    $('batch-csv').addEventListener('click', () => download('plan.csv', 'text/csv', csvOf(this.#plan())));
    $('batch-jsonl').addEventListener('click', () => download('plan.jsonl', 'application/jsonl', jsonLinesOf(this.#plan())));
    this.#acceptDrops($('batch-drop'));
  }

  async start(engine) {
    this.#engine = engine;
    $('batch-run').disabled = false;
  }

  #acceptDrops(area) {
    const mark = (event) => {
      event.preventDefault();
      area.classList.toggle('over', event.type === 'dragover');
    };
    for (const type of ['dragover', 'dragleave', 'drop']) area.addEventListener(type, mark);
    area.addEventListener('drop', ({ dataTransfer }) => this.#read(dataTransfer.files[0]));
  }

  async #read(file) {
    if (!file) return;
    try {
      this.#file = await readFile(file);
      $('batch-text').value = '';
      complain($('batch-problem'));
      $('batch-said').textContent = `${file.name} is ready, ${megabytes(file.size)} MB.`;
    } catch (error) {
      complain($('batch-problem'), error);
    }
  }

  #forgetFile() {
    this.#file = undefined;
    $('batch-file').value = '';
    $('batch-said').textContent = '';
  }

  async #run() {
    this.#running = new AbortController();
    const { signal } = this.#running;
    complain($('batch-problem'));
    working(true);
    try {
      const { prompts, empty } = readPrompts(this.#file ?? $('batch-text').value);
      const batch = await judge(this.#engine.router, prompts, signal);
      if (batch) this.#show(prompts, batch, empty);
      else $('batch-said').textContent = 'Cancelled. Nothing was planned.';
    } catch (error) {
      complain($('batch-problem'), error);
    } finally {
      working(false);
    }
  }

  /** @param {import('pointsman').Decision[]} decisions */
  #show(prompts, decisions, empty) {
    const scores = decisions.map((decision) => decision.scores);
    const singles = singlesOf(scores);
    const front = frontOf(scores);
    const stops = spread(front.points.length, STOPS);
    this.#batch = { prompts, front, stops, singles, best: bestOf(singles), tones: tonesOf(singles), point: 0 };
    const cut = decisions.filter(({ truncated }) => truncated).length;
    const notes = [empty && `${plural(empty, 'empty line')} passed over`, cut && `${plural(cut, 'long prompt')} judged by beginning and end`];
    const tiers = [...new Set(decisions.map(({ tier }) => tier))];
    const by = tiers.length > 1 ? 'both tiers, since the full one came meanwhile: plan again' : `the ${tiers[0]} tier`;
    $('batch-said').textContent = [`${plural(prompts.length, 'prompt')} judged by ${by}`, ...notes.filter(Boolean)].join('; ') + '.';
    $('batch-result').hidden = false;
    $('batch-slider').max = stops.length - 1;
    $('batch-table').replaceChildren(...rows(frontRows(this.#batch)));
    this.#take(asGoodAs(front.points, this.#batch.best.quality));
  }

  /** Moves to a point of the front. */
  #take(point) {
    const { front, stops, singles, best, prompts } = this.#batch;
    this.#batch.point = point;
    const reached = front.points[point];
    const drawn = stops.map((stop) => front.points[stop]);
    this.#plot.show({
      x: drawn.map((each) => each.usd),
      lines: [{ colour: 'quality', y: drawn.map((each) => each.quality) }],
      marks: singles.map(({ model, usd: x, quality }) => ({ name: model, x, y: quality })),
      here: { x: reached.usd, y: reached.quality },
    });
    const text = `${usd(reached.usd)} for ${percent(reached.quality)}`;
    $('batch-slider').value = stops.findIndex((stop) => stop >= point);
    $('batch-slider').setAttribute('aria-valuetext', text);
    $('batch-value').textContent = text;
    $('batch-facts').replaceChildren(...facts({
      cost: usd(reached.usd),
      'predicted quality': percent(reached.quality),
      [`all ${count(prompts.length)} to ${best.model}`]: `${usd(best.usd)}, ${percent(best.quality)}`,
      'so this is': `${saving(reached.usd, best.usd)}, ${points(reached.quality - best.quality)} points`,
    }));
    this.#showPicks();
  }

  #showPicks() {
    const { tones } = this.#batch;
    const plan = this.#plan();
    const shares = sharesOf(plan, this.#engine.models);
    showShares($('batch-train'), shares, tones);
    showLegend($('batch-legend'), shares, tones);
    $('batch-picks').replaceChildren(...rows(plan.slice(0, SHOWN).map((row) => [row.prompt, row.model, usd(row.usd), percent(row.quality)])));
    $('batch-more').textContent = plan.length > SHOWN ? `The first ${SHOWN} of ${count(plan.length)}; the download has them all.` : '';
  }

  #plan() {
    const { prompts, front, point } = this.#batch;
    return picksAt(front, point).map(({ model, usd: cost, quality }, i) => ({ prompt: prompts[i], model, usd: cost, quality }));
  }
}

/**
 * Chunk after chunk, so that the bar tells the truth and cancelling takes effect at once.
 *
 * @returns {Promise<import('pointsman').Decision[] | undefined>} nothing where it was cancelled
 */
async function judge(router, prompts, signal) {
  const decisions = [];
  const begun = performance.now();
  $('batch-bar').max = prompts.length;
  while (decisions.length < prompts.length) {
    if (signal.aborted) return undefined;
    showDone(decisions.length, prompts.length, performance.now() - begun);
    decisions.push(...await judgeChunk(router, prompts, decisions.length));
  }
  return signal.aborted ? undefined : decisions;
}

async function judgeChunk(router, prompts, start) {
  const chunk = prompts.slice(start, start + CHUNK);
  try {
    return (await router.assign(chunk, { costWeight: 0 })).picks;
  } catch (error) {
    const message = `among prompts ${count(start + 1)} to ${count(start + chunk.length)}: ${error.message}`;
    throw Object.assign(new Error(message), { code: error.code });
  }
}

function showDone(done, total, spentMs) {
  $('batch-bar').value = done;
  const left = done > 0 ? `, some ${plural(Math.ceil((spentMs / done) * (total - done) / 1000), 'second')} left` : '';
  $('batch-done').textContent = `${count(done)} of ${count(total)}${left}`;
}

function working(yes) {
  $('batch-work').hidden = !yes;
  $('batch-run').disabled = yes;
  if (yes) $('batch-said').textContent = '';
}

/** The cheapest point that is as good as the best single candidate. */
function asGoodAs(front, quality) {
  const found = front.findIndex((point) => point.quality >= quality);
  return found < 0 ? front.length - 1 : found;
}

/** The place in a list of rising costs that is nearest to this one. */
function nearest(front, cost) {
  const off = (point) => Math.abs(Math.log(front[point].usd / cost));
  return front.reduce((best, _, point) => (off(point) < off(best) ? point : best), 0);
}

function frontRows({ front, singles }) {
  const { points: all } = front;
  const row = (name, { usd: cost, quality }) => [name, usd(cost), percent(quality)];
  return [...singles.map((single) => row(`${single.model} alone`, single)), ...spread(all.length, 10).map((at) => row(`routed, point ${at + 1} of ${all.length}`, all[at]))];
}

/** So many places of a list, or all where it has fewer, from its first to its last. */
function spread(length, most) {
  const many = Math.min(length, most);
  return Array.from({ length: many }, (_, i) => Math.round((i * (length - 1)) / Math.max(1, many - 1)));
}

function download(name, type, text) {
  const href = URL.createObjectURL(new Blob([text], { type }));
  Object.assign(document.createElement('a'), { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000); // the download has begun by then
}
