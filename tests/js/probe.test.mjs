/** The loader's choice on engines of every kind, played with loops that move a clock instead of working. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

const FILES = { simd128: 'simd128', relaxed: 'relaxed' };
const FINE_MS = 0.0001;
/** Milliseconds a call takes before it is optimised, and after. */
const [COLD, HOT] = [0.02, 0.004];
/** When an engine's optimising compiler is done. */
const SOON = 3;

/** Both loops' costs, and what the clock shows. */
const ENGINES = [
  { name: 'one instruction a product', relaxed: HOT / 2, simd128: HOT, expected: 'relaxed' },
  { name: 'much alike', relaxed: HOT * 1.05, simd128: HOT, expected: 'relaxed' },
  { name: 'half a dozen instructions a product', relaxed: HOT * 1.3, simd128: HOT, expected: 'simd128' },
  { name: 'the same, seen by a clock of 0.1 ms', relaxed: HOT * 1.3, simd128: HOT, tick: 0.1, expected: 'simd128' },
  { name: 'the same, seen by a clock of 1 ms', relaxed: HOT * 1.3, simd128: HOT, tick: 1, expected: 'simd128' },
  { name: 'a fast one seen by a clock of 1 ms', relaxed: HOT / 2, simd128: HOT, tick: 1, expected: 'relaxed' },
  { name: 'a clock that stands still', relaxed: HOT * 1.3, simd128: HOT, tick: Infinity, expected: 'relaxed' },
  { name: 'optimised late', relaxed: HOT / 2, simd128: HOT, relaxedAfter: 12, expected: 'relaxed' },
  { name: 'the other optimised late', relaxed: HOT * 1.3, simd128: HOT, simd128After: 12, expected: 'simd128' },
  { name: 'one disturbed timing', relaxed: HOT / 2, simd128: HOT, disturbed: 95, expected: 'relaxed' },
  { name: 'never optimised', relaxed: COLD / 2, simd128: COLD, expected: 'relaxed' },
];

for (const { name, expected, ...engine } of ENGINES) {
  test(`${name}: ${expected}`, async (t) => {
    const clock = play(t, engine);
    const { fasterOf } = await import(`../../pkg/simd.js?${encodeURIComponent(name)}`);
    assert.equal(await fasterOf(FILES), expected);
    const { calls } = clock;
    assert.equal(await fasterOf(FILES), expected);
    assert.equal(clock.calls, calls, 'it was timed twice');
  });
}

test('without relaxed SIMD, or where no wasm may start, nothing is timed: simd128', async (t) => {
  const clock = play(t, { relaxed: HOT, simd128: HOT });
  WebAssembly.validate.mock.mockImplementation(() => false);
  assert.equal(await (await import('../../pkg/simd.js?none')).fasterOf(FILES), 'simd128');
  WebAssembly.validate.mock.mockImplementation(() => true);
  WebAssembly.instantiate.mock.mockImplementation(async () => { throw new WebAssembly.CompileError('forbidden'); });
  assert.equal(await (await import('../../pkg/simd.js?forbidden')).fasterOf(FILES), 'simd128');
  assert.equal(clock.calls, 0);
});

/** Puts an engine in the place of this one. `disturbed` is the call that something else interrupts: one of the first timing. */
function play(t, { relaxed, simd128, relaxedAfter = SOON, simd128After = SOON, tick = FINE_MS, disturbed = 0 }) {
  const clock = { now: 1, calls: 0 };
  const loop = (hot, after) => () => {
    clock.calls += 1;
    clock.now += clock.now < after ? COLD : hot;
    if (clock.calls === disturbed) clock.now += 3;
  };
  const exports = { relaxed: loop(relaxed, relaxedAfter), simd128: loop(simd128, simd128After) };
  t.mock.method(WebAssembly, 'validate', () => true);
  t.mock.method(WebAssembly, 'instantiate', async () => ({ instance: { exports } }));
  t.mock.method(performance, 'now', () => (tick === Infinity ? 1 : Math.floor(clock.now / tick) * tick));
  t.mock.method(globalThis, 'setTimeout', (done, ms) => {
    clock.now += ms;
    queueMicrotask(done);
  });
  return clock;
}
