/** Plots of quality over cost, or of time over length, drawn by uPlot in the page's own colours. */

import uPlot from './vendor/uplot/uPlot.esm.js';
import { placeLabels } from './labels.js';

const FONT = '12px system-ui, sans-serif';
/** Room around what is shown, as a share of it. */
const ROOM = 0.06;

/**
 * @typedef {object} Axes
 * @property {string} x
 * @property {string} y
 * @property {(value: number) => string} xText
 * @property {(value: number) => string} yText
 * @property {'x' | 'both'} [log] which axes count in tenfolds
 * @property {number[]} [xSplits] where the x axis is written on, in place of round numbers
 *
 * @typedef {object} Line
 * @property {string} colour a name from style.css
 * @property {(number | null)[]} y
 * @property {boolean} [dots]
 *
 * @typedef {object} Picture
 * @property {number[]} x
 * @property {Line[]} lines
 * @property {{ x: number, y: number, name: string }[]} [marks] named points beside the lines
 * @property {{ x: number, y: number }} [here] where the choice lies
 */

export class Plot {
  #root;
  #axes;
  #picked;
  /** @type {Picture | undefined} */
  #picture;
  /** @type {uPlot | undefined} */
  #plot;

  /**
   * @param {HTMLElement} root
   * @param {Axes} axes
   * @param {(x: number) => void} [picked] called with the place on the x axis that was clicked
   */
  constructor(root, axes, picked) {
    this.#root = root;
    this.#axes = axes;
    this.#picked = picked;
    new ResizeObserver(() => this.#fit()).observe(root);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#plot?.redraw());
  }

  /** @param {Picture} picture */
  show(picture) {
    const rebuilt = picture.lines.length !== this.#picture?.lines.length;
    this.#picture = picture;
    if (rebuilt) this.#build();
    else this.#plot?.setData(data(picture));
  }

  #build() {
    this.#plot?.destroy();
    this.#plot = undefined;
    this.#fit();
  }

  /** A panel that is hidden has no width; it is drawn when it gets one. */
  #fit() {
    const size = { width: this.#root.clientWidth, height: this.#root.clientHeight };
    if (!this.#picture || size.width === 0) return;
    if (this.#plot) return this.#plot.setSize(size);
    this.#plot = new uPlot({ ...size, ...this.#options() }, data(this.#picture), this.#root);
    if (this.#picked) {
      const over = this.#plot.over;
      over.addEventListener('click', (event) => this.#picked(this.#plot.posToVal(event.offsetX, 'x')));
    }
  }

  /** @returns {any} */
  #options() {
    const { log, x, y, xText, yText, xSplits } = this.#axes;
    const tens = (isLog) => isLog && { splits: (_, __, low, high) => tenfolds(low, high), filter: (_, splits) => splits };
    const axis = (label, text, more) => ({
      label, font: FONT, labelFont: FONT, labelGap: 2, values: (_, splits) => splits.map((split) => (split === null ? '' : text(split))),
      stroke: () => this.#colour('faint'), grid: { stroke: () => this.#colour('line'), width: 1 }, ticks: { show: false }, ...more,
    });
    return {
      scales: {
        x: { time: false, distr: log ? 3 : 1, range: () => this.#extent('x', log !== undefined) },
        y: { distr: log === 'both' ? 3 : 1, range: () => this.#extent('y', log === 'both') },
      },
      axes: [
        axis(x, xText, { size: 30, labelSize: 20, ...tens(log), ...(xSplits && { splits: () => xSplits }) }),
        axis(y, yText, { size: 50, labelSize: 20, ...tens(log === 'both') }),
      ],
      series: [{}, ...this.#picture.lines.map(({ colour, dots = false }) => ({
        stroke: () => this.#colour(colour), width: 2.5, points: { show: dots, size: 8, fill: () => this.#colour(colour) },
      }))],
      cursor: { show: this.#picked !== undefined, y: false, points: { show: false }, drag: { x: false, y: false } },
      legend: { show: false },
      hooks: { draw: [(plot) => this.#decorate(plot)] },
    };
  }

  /** @returns {[number, number]} */
  #extent(key, log = false) {
    const { x, lines, marks = [], here } = this.#picture;
    const own = key === 'x' ? x : lines.flatMap((line) => line.y);
    const values = [...own, ...marks.map((mark) => mark[key]), ...(here ? [here[key]] : [])].filter((value) => value !== null);
    const [low, high] = [extreme(values, Math.min), extreme(values, Math.max)];
    if (log) return [low / (high / low) ** ROOM, high * (high / low) ** ((key === 'x' && marks.length > 0 ? 2 : 1) * ROOM)];
    const room = (high - low || Math.abs(high) || 1) * ROOM;
    return [low - room, high + room];
  }

  /** What uPlot has no series for: named points, and a big dot where the choice lies. */
  #decorate(plot) {
    const { marks = [], here } = this.#picture;
    const { ctx } = plot;
    const scale = uPlot.pxRatio;
    const at = ({ x, y }) => ({ x: plot.valToPos(x, 'x', true), y: plot.valToPos(y, 'y', true) });
    ctx.save();
    ctx.font = `${12 * scale}px system-ui, sans-serif`;
    ctx.fillStyle = this.#colour('faint');
    for (const mark of marks) {
      const { x, y } = at(mark);
      ctx.fillRect(x - 4 * scale, y - 4 * scale, 8 * scale, 8 * scale);
    }
    ctx.textBaseline = 'middle';
    ctx.textAlign = 'left';
    const placed = marks.map((mark) => ({ ...at(mark), name: mark.name, width: ctx.measureText(mark.name).width }));
    for (const { name, left, middle } of placeLabels(placed, this.#lineDots(at), plot.bbox, scale)) ctx.fillText(name, left, middle);
    if (here) this.#station(ctx, at(here), scale);
    ctx.restore();
  }

  /** Enough points of the lines that no name is written across one. */
  #lineDots(at) {
    const { x, lines, here } = this.#picture;
    const step = Math.ceil(x.length / 200);
    const dots = lines.flatMap(({ y }) => x.map((each, i) => ({ x: each, y: y[i] })).filter(({ y: value }, i) => i % step === 0 && value !== null));
    return [...dots, ...(here ? [here] : [])].map(at);
  }

  #station(ctx, { x, y }, scale) {
    ctx.beginPath();
    ctx.arc(x, y, 8 * scale, 0, 2 * Math.PI);
    ctx.fillStyle = this.#colour('signal');
    ctx.strokeStyle = this.#colour('card');
    ctx.lineWidth = 3 * scale;
    ctx.fill();
    ctx.stroke();
  }

  /** What a name of style.css comes to here and now; a variable alone would read `light-dark(...)`. */
  #colour(name) {
    this.#root.style.color = `var(--${name})`;
    return getComputedStyle(this.#root).color;
  }
}

function data({ x, lines }) {
  return /** @type {uPlot.AlignedData} */ ([x, ...lines.map((line) => line.y)]);
}

/** Batches are long, and a call takes only so many arguments. */
function extreme(values, choose) {
  return values.reduce((far, value) => choose(far, value));
}

/** Every power of ten, and between them as many as there is room for. */
function tenfolds(low, high) {
  const decades = Math.log10(high / low);
  const steps = decades > 3 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5];
  const powers = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power += 1) powers.push(10 ** power);
  return powers.flatMap((power) => steps.map((step) => step * power)).filter((split) => split >= low && split <= high);
}
