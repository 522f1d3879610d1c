/** An engine that fails never costs the caller an answer: `route` resolves to the fallback. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routerFactory } from '../../pkg/core.js';

const CANDIDATES = [{ id: 'small' }, { id: 'large', supports: ['tools'] }, { id: 'other', supports: ['tools'] }];

/** A router on an engine whose every call throws. */
function failing(thrown, options) {
  class WasmRouter {
    candidates = CANDIDATES;
    strongest = 'large';
    route() { throw thrown; }
    rank() { throw thrown; }
    embed() { throw thrown; }
    free() {}
  }
  class FileBytes {
    address = 0;
    length = 8;
    sealedBytes = 8;
    append() {}
    free() {}
  }
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bind = () => ({ default: async () => ({ memory }), WasmRouter, FileBytes, simd: () => 'simd128', rehearse() {}, compiled() {}, end() {} });
  const bytes = new ArrayBuffer(8);
  const createRouter = routerFactory({ bind, open: fetch, wasm: async () => bytes, router: bytes, embedder: bytes });
  return createRouter(options);
}

const withCode = (code) => Object.assign(new Error('it broke'), { code });

const FAULTS = {
  'an engine error': withCode('ENGINE'),
  'a trap': new WebAssembly.RuntimeError('unreachable'),
  'an error of the glue': new Error('recursive use of an object'),
  'a bare string': 'no error at all',
};

for (const [name, fault] of Object.entries(FAULTS)) {
  test(`${name} becomes the strongest candidate`, async () => {
    const seen = [];
    const router = await failing(fault, { onDecision: (decision) => seen.push(decision) });
    const decision = await router.route('Hello');
    assert.equal(decision.model, 'large');
    assert.equal(decision.reason, 'fallback-error');
    assert.equal(decision.error.code, 'ENGINE');
    assert.equal(decision.error.cause, fault);
    assert.match(decision.id, /^[0-9a-f]{16}$/);
    assert.deepEqual([decision.scores, decision.usd, decision.propensity], [[], 0, 1]);
    assert.deepEqual(seen, [decision]);
    assert.equal(router.stats().calls, 1);
  });
}

test('the named fallback comes first, unless the call excludes it', async () => {
  const router = await failing(withCode('ENGINE'), { fallback: 'small' });
  const table = [
    [{}, 'small'],
    [{ needs: ['tools'] }, 'large'],
    [{ allow: ['other'] }, 'other'],
    [{ allow: ['small', 'other'] }, 'small'],
  ];
  for (const [options, expected] of table) {
    assert.equal((await router.route('Hello', options)).model, expected);
  }
  await assert.rejects(router.route('Hello', { needs: ['vision'] }), { code: 'ENGINE' });
});

test('what the caller can correct is not hidden behind the fallback', async () => {
  for (const code of ['BAD_INPUT', 'NO_ELIGIBLE', 'INFEASIBLE']) {
    const router = await failing(withCode(code));
    await assert.rejects(router.route('Hello'), { name: 'PointsmanError', code });
  }
});

test('rank and embed, which have no fallback, reject', async () => {
  const router = await failing(withCode('ENGINE'));
  await assert.rejects(router.rank('Hello'), { code: 'ENGINE' });
  await assert.rejects(router.embed('Hello'), { code: 'ENGINE' });
});
