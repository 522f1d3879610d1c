/** The fifth tab: what this device does, in milliseconds. */

import { LENGTHS, compareDevices, measure } from '../bench.js';
import { $, complain, element, facts, rows } from '../dom.js';
import { milliseconds, short } from '../figures.js';
import { Plot } from '../plot.js';

const AXES = { x: 'tokens', y: 'milliseconds, median', xText: String, yText: short, log: 'both', xSplits: LENGTHS };
const TIERS = /** @type {const} */ (['static', 'full']);
const COLOURS = { static: 'usd', full: 'quality' };

export class SpeedView {
  #plot = new Plot($('speed-plot'), AXES);
  #measured;

  constructor() {
    $('speed-run').addEventListener('click', () => this.#run());
    if ('gpu' in navigator) $('speed-gpu').hidden = false;
  }

  async start() {
    $('speed-run').disabled = false;
  }

  async #run() {
    $('speed-run').disabled = true;
    complain($('speed-problem'));
    this.#measured = { static: [], full: [] };
    const stats = {};
    try {
      for (const tier of TIERS) {
        $('speed-said').textContent = `Measuring the ${tier} tier …`;
        stats[tier] = await measure(tier, (row) => this.#add(tier, row));
      }
      showStats(stats);
      if ('gpu' in navigator) await this.#compare();
      $('speed-said').textContent = 'Measured.';
    } catch (error) {
      complain($('speed-problem'), error);
      $('speed-said').textContent = '';
    } finally {
      $('speed-run').disabled = false;
    }
  }

  /** The processor and the GPU beside each other, or why there is no GPU. */
  async #compare() {
    $('speed-said').textContent = 'Measuring the GPU …';
    const list = [];
    const { reason, adapter } = await compareDevices(({ name, cpu, gpu, auto }) => {
      list.push([name, milliseconds(cpu), milliseconds(gpu), auto]);
      $('speed-devices').hidden = false;
      $('speed-devices-table').replaceChildren(...rows(list));
    });
    $('speed-gpu').textContent = `This browser offers WebGPU. ${reason ? `It is not used: ${reason}.` : `Its adapter is ${adapter}.`}`;
  }

  #add(tier, row) {
    this.#measured[tier].push(row);
    $('speed-shown').hidden = false;
    $('speed-table').replaceChildren(...this.#rows());
    const medians = (which) => LENGTHS.map((tokens) => this.#measured[which].find((each) => each.tokens === tokens)?.median ?? null);
    this.#plot.show({ x: LENGTHS, lines: TIERS.map((which) => ({ colour: COLOURS[which], y: medians(which), dots: true })) });
  }

  /** One row for each thing measured, the tiers side by side. */
  #rows() {
    const longest = TIERS.map((tier) => this.#measured[tier]).sort((a, b) => b.length - a.length)[0];
    return longest.map(({ name }, place) => {
      const cells = TIERS.flatMap((tier) => {
        const row = this.#measured[tier][place];
        return [row ? milliseconds(row.median) : '…', row ? milliseconds(row.p95) : '…'].map((text) => element('td', text));
      });
      return element('tr', [element('th', name, { scope: 'row' }), ...cells]);
    });
  }
}

function showStats({ static: small, full }) {
  const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  $('speed-facts').replaceChildren(...facts({
    'WebAssembly runs': full.simd === 'relaxed' ? 'relaxed SIMD' : '128-bit SIMD',
    'memory, static tier': mebibytes(small.wasmBytes),
    'memory, full tier': mebibytes(full.wasmBytes),
    'threads used': `1 of ${navigator.hardwareConcurrency}`,
  }));
}
