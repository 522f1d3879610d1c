/** The cost dial: a slider whose middle is the router's default and whose steps multiply. One dial, shown on two tabs. */

import { element } from './dom.js';

/** The cost weight that the middle stands for, near enough: what the default router's own rate comes to. */
const MIDDLE = 0.062;
const STEPS_PER_TENFOLD = 8;
/** The slider's ends; at the left, cost counts for nothing. */
const FIRST = -20;
const LAST = 20;

/** The slider's position as options of `route`. */
export function dialOf(position) {
  if (position === 0) return {};
  return { costWeight: position === FIRST ? 0 : MIDDLE * 10 ** (position / STEPS_PER_TENFOLD) };
}

/** The slider's position in words. */
export function dialText(position) {
  const { costWeight } = dialOf(position);
  if (costWeight === undefined) return 'default';
  return costWeight === 0 ? 'quality alone' : `cost weight ${Number(costWeight.toPrecision(2))}`;
}

/** What is dialled; whoever shows or needs it is told when it turns. */
export class Dial {
  position = 0;
  #watchers = [];

  turn(position) {
    this.position = position;
    for (const watch of this.#watchers) watch(position);
  }

  /** @param {(position: number) => void} watch called at once, too */
  watch(watch) {
    this.#watchers.push(watch);
    watch(this.position);
  }
}

/**
 * Puts a slider for the dial into a place.
 *
 * @param {HTMLElement} place
 * @param {Dial} dial
 */
export function showDial(place, dial) {
  const id = `${place.id}-slider`;
  const slider = /** @type {HTMLInputElement} */ (element('input', [], { type: 'range', id, min: FIRST, max: LAST, step: 1 }));
  const value = /** @type {HTMLOutputElement} */ (element('output'));
  const reset = /** @type {HTMLButtonElement} */ (element('button', 'Back to default', { type: 'button' }));
  value.htmlFor.add(id);
  const ends = element('div', [element('span', 'quality alone'), element('span', 'cheapest')], { className: 'ends' });
  place.classList.add('dial');
  place.append(element('label', 'Cost dial', { className: 'title', htmlFor: id }), value, reset, slider, ends);
  slider.addEventListener('input', () => dial.turn(slider.valueAsNumber));
  reset.addEventListener('click', () => {
    dial.turn(0);
    slider.focus();
  });
  dial.watch((position) => {
    slider.value = String(position);
    value.textContent = dialText(position);
    slider.setAttribute('aria-valuetext', dialText(position));
    reset.disabled = position === 0;
  });
}
