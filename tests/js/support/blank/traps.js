/** What reaches out, and what says something: each replaced by what remembers that it was called, and throws. */

const REACHING = ['EventSource', 'RTCPeerConnection', 'WebSocket', 'WebTransport', 'XMLHttpRequest', 'fetch', 'importScripts'];
const SPEAKING = Object.keys(console).filter((name) => typeof console[name] === 'function');
/** @type {string[]} */
const caught = [];

/**
 * @param {(name: string) => void} [told] hears of each call as well, where this thread cannot be asked later
 * @param {[object, string][]} [more] methods of what only this runtime has
 */
export function plant(told = () => {}, more = []) {
  const trap = (place, name, as = name) => {
    const value = function trapped() {
      caught.push(as);
      told(as);
      throw new Error(`${as} was called`);
    };
    Object.defineProperty(place, name, { value, configurable: true, writable: true });
  };
  for (const name of REACHING) trap(globalThis, name);
  for (const name of SPEAKING) trap(console, name, `console.${name}`);
  if (globalThis.navigator) trap(navigator, 'sendBeacon');
  for (const [place, name] of more) trap(place, name);
}

/** What was called since this was last asked. */
export function calls() {
  return caught.splice(0);
}

/** Calls everything, to see that each is trapped. */
export function spring() {
  const tries = [
    ...REACHING.map((name) => () => new globalThis[name]('http://127.0.0.1:9/')),
    ...SPEAKING.map((name) => () => console[name]('said')),
    () => navigator.sendBeacon('http://127.0.0.1:9/', 'sent'),
  ];
  const free = tries.filter((attempt) => {
    try {
      attempt();
      return true;
    } catch (error) {
      return !/ was called$/.test(error.message) && Boolean(globalThis.navigator);
    }
  });
  return { free: free.length, trapped: calls().length };
}
