/** Numbers as people read them. */

/** Three figures tell prices apart, whatever their size. */
export const usd = (value) => `$${value === 0 ? '0' : plain(value)}`;
export const usdPerThousand = (value) => plain(1000 * value);
/** As few digits as say it. */
export const short = (value) => String(Number(value.toPrecision(3)));
export const percent = (share) => `${(100 * share).toFixed(1)}%`;
export const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e5 ? 3 : 1);
export const count = (number) => number.toLocaleString('en');
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** Milliseconds, finer where they are few. */
export const milliseconds = (value) => value.toFixed(value < 1 ? 2 : 1);
export const ms = (value) => `${milliseconds(value)} ms`;

/** A difference of qualities, in points of a hundred. */
export function points(difference) {
  const text = (100 * difference).toFixed(1);
  if (Number(text) === 0) return '0.0';
  return text.startsWith('-') ? `−${text.slice(1)}` : `+${text}`;
}

/** What one cost is of another, in words. */
export function saving(cost, against) {
  const share = 1 - cost / against;
  if (Math.abs(share) < 0.005) return 'no less';
  return share > 0 ? `${(100 * share).toFixed(0)}% less` : `${(-100 * share).toFixed(0)}% more`;
}

/** Without an exponent, however small. */
function plain(value) {
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return value.toFixed(value > 0 ? Math.max(0, 2 - Math.floor(Math.log10(value))) : 2);
}
