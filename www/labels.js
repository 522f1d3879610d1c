/** Where the names of points go, so that none lies on another. */

const HEIGHT = 12;
const GAP = 9;

/**
 * @param {{ x: number, y: number, width: number, name: string }[]} points
 * @param {{ x: number, y: number }[]} lines points of what else must stay free
 * @param {{ left: number, top: number, width: number, height: number }} frame
 * @param {number} scale device pixels for each pixel
 * @returns {{ name: string, left: number, middle: number }[]}
 */
export function placeLabels(points, lines, frame, scale) {
  const dots = [...points, ...lines].map(({ x, y }) => box(x - 5 * scale, y, 10 * scale, 9 * scale));
  const taken = [];
  const labels = [];
  for (const point of points) {
    const free = places(point, scale).find(({ left, middle }) => {
      const wanted = box(left, middle, point.width, HEIGHT * scale);
      return isInside(wanted, frame) && ![...taken, ...dots].some((other) => overlaps(wanted, other));
    });
    if (!free) continue; // the table beside the plot names it
    taken.push(box(free.left, free.middle, point.width, HEIGHT * scale));
    labels.push({ name: point.name, ...free });
  }
  return labels;
}

/** Beside the point, then below and above it, ever farther away. */
function places({ x, y, width }, scale) {
  const right = x + GAP * scale;
  const left = x - GAP * scale - width;
  const steps = [0, 1, -1, 1.4, -1.4];
  return steps.flatMap((line) => [right, left, x - width / 2].map((start) => ({ left: start, middle: y + line * HEIGHT * scale })));
}

function box(left, middle, width, height) {
  return { left, right: left + width, top: middle - height / 2, bottom: middle + height / 2 };
}

function isInside({ left, right, top, bottom }, frame) {
  return left >= frame.left && right <= frame.left + frame.width && top >= frame.top && bottom <= frame.top + frame.height;
}

function overlaps(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
