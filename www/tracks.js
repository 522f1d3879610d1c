/** The yard beside the table: one road comes in, one leads to every candidate, one is set. */

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 120;
/** Same as the height of a table row in style.css, so that each road ends at its candidate. */
const ROW = 56;

/**
 * @param {SVGElement} svg
 * @param {boolean[]} picked one flag per row of the table
 */
export function drawTracks(svg, picked) {
  const height = picked.length * ROW;
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${height}`);
  const roads = picked.map((isSet, row) => {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', road(height / 2, (row + 0.5) * ROW));
    path.classList.toggle('set', isSet);
    return path;
  });
  // What is drawn last lies on top.
  svg.replaceChildren(...roads.sort((a, b) => a.classList.contains('set') - b.classList.contains('set')));
}

/** A straight lead, then an S-curve to the row. */
function road(from, to) {
  return `M0 ${from}H20C70 ${from} 60 ${to} 104 ${to}H${WIDTH}`;
}
