/** Whatever is handed in, the answer is a typed error with its code; the router lives on. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createRouter } from '../../pkg/node.js';
import { PKG, ROOT } from './support/paths.mjs';

let router;
before(async () => {
  router = await createRouter();
});
after(async () => {
  assert.ok((await router.route('Is the router still alive?')).model);
});

const PROMPTS = {
  'an empty prompt': '',
  'white space': ' \n\t\u3000',
  'a lone surrogate': 'half a \ud83d pair',
  'a lone surrogate in a chat': [{ role: 'user', content: '\udc00' }],
  'nothing': undefined,
  'null': null,
  'a number': 42,
  'an object': { role: 'user', content: 'not in a list' },
  'an empty chat': [],
  'a chat without a user': [{ role: 'system', content: 'Be brief.' }],
  'a message without a role': [{ content: 'Hello' }],
  'a message that is no object': [null],
  'content that is a number': [{ role: 'user', content: 5 }],
  'a part that is no object': [{ role: 'user', content: ['Hello'] }],
  'a text that is none': [{ role: 'user', content: [{ type: 'text', text: 5 }] }],
  'bytes': new Uint8Array([72, 105]),
  'a chat that holds itself': [selfish()],
};

const OPTIONS = {
  'an unknown option': { costweight: 1 },
  'a dial that is not a number': { costWeight: Number.NaN },
  'a negative dial': { costWeight: -1 },
  'an infinite dial': { costWeight: Number.POSITIVE_INFINITY },
  'a dial of text': { costWeight: 'high' },
  'a floor above 1': { minQuality: 1.5 },
  'a floor that is not a number': { minQuality: Number.NaN },
  'both dials': { costWeight: 1, minQuality: 0.5 },
  'a negative budget': { maxUsd: -1 },
  'a negative caution': { caution: -0.5 },
  'an unknown candidate': { allow: ['gpt-0'] },
  'a candidate that is no text': { allow: [1] },
  'a negative answer length': { expectedOutputTokens: -1 },
  'needs that are no list': { needs: 'tools' },
  'options that are no object': 'thrifty',
  'options that are null': null,
};

for (const [name, input] of Object.entries(PROMPTS)) {
  test(`${name} as prompt is BAD_INPUT`, async () => {
    await assert.rejects(router.route(input), isBadInput);
    await assert.rejects(router.rank(input), isBadInput);
  });
}

for (const [name, options] of Object.entries(OPTIONS)) {
  test(`${name} is BAD_INPUT`, async () => {
    await assert.rejects(router.route('Hello', options), isBadInput);
    await assert.rejects(router.rank('Hello', options), isBadInput);
  });
}

test('a signal that is none is BAD_INPUT', async () => {
  await assert.rejects(router.route('Hello', { signal: 'now' }), isBadInput);
});

test('an unknown option is named, and so are the known ones', async () => {
  await assert.rejects(router.route('Hello', { costweight: 1 }), /"costweight".*costWeight/);
});

const ROUTER_OPTIONS = {
  'an unknown option': { model: 'x' },
  'an unknown option of a file': { router: { url: 'x' } },
  'a file without a place': { router: {} },
  'a hash that is none': { router: { src: new Uint8Array(1), sha256: 'abc' } },
  'an unknown dial': { policy: { temperature: 1 } },
  'a default dial out of range': { policy: { minQuality: 2 } },
  'a fallback that is no candidate': { fallback: 'gpt-0' },
  'a fractional seed': { seed: 0.5 },
  'a negative seed': { seed: -1 },
  'a callback that is none': { onDecision: 'log' },
};

for (const [name, options] of Object.entries(ROUTER_OPTIONS)) {
  test(`createRouter refuses ${name}`, async () => {
    await assert.rejects(createRouter(options), isBadInput);
  });
}

test('a prompt of 1 MB is cut, and says so', async () => {
  const { truncated, model } = await router.route('All work and no play. '.repeat(50_000));
  assert.equal(truncated, true);
  assert.ok(model);
});

test('a router does not load on another embedder', async () => {
  const src = join(ROOT, 'tests', 'data', 'tiny.onnx');
  await assert.rejects(createRouter({ embedder: { src } }), { name: 'PointsmanError', code: 'MISMATCH' });
});

for (const part of ['router', 'embedder']) {
  test(`a damaged ${part} file is refused`, async () => {
    const whole = await readFile(join(PKG, 'assets', `${part}.bin`));
    for (const damaged of [...truncations(whole), ...flips(whole)]) {
      await assert.rejects(createRouter({ [part]: { src: damaged } }), ({ name, code }) => (
        name === 'PointsmanError' && ['BAD_ARTIFACT', 'MISMATCH'].includes(code)
      ));
    }
  });
}

function selfish() {
  const message = { role: 'user' };
  message.content = [{ text: message }];
  return message;
}

function isBadInput({ name, code, message }) {
  return name === 'PointsmanError' && code === 'BAD_INPUT' && message.length > 10;
}

/** The file cut off: nothing left, inside its head, in the middle, one byte short. */
function truncations(bytes) {
  return [0, 7, bytes.length >> 1, bytes.length - 1].map((length) => bytes.subarray(0, length));
}

/** The file with one bit turned over: at its start, in the middle, at its end. */
function flips(bytes) {
  return [0, bytes.length >> 1, bytes.length - 1].map((offset) => {
    const copy = Uint8Array.from(bytes);
    copy[offset] ^= 1;
    return copy;
  });
}
