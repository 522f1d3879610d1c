/** A router file can be its signer's and nobody else's: the command signs it, the command and the package check that. */

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { after, before, test } from 'node:test';
import { asyncDispose } from '../../pkg/common.js';
import { createRouter } from '../../pkg/node.js';
import { createRouter as createOnThread } from '../../pkg/worker/node.js';
import { ROOT } from './support/paths.mjs';
import { run } from './support/run.mjs';

const POINTSMAN = join(env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'release', 'pointsman');
const EMBEDDER = join(ROOT, 'tests/data/tiny.onnx');

let folder;
let file;
let key;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pointsman-sign-'));
  file = join(folder, 'mine.router');
  await copyFile(join(ROOT, 'tests/data/tiny.router'), file);
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFile(join(folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const said = await run(POINTSMAN, ['sign', file, '--key', join(folder, 'key.pem')]);
  assert.equal((await readFile(`${file}.sig`)).length, 64);
  [, key] = said.match(/^public key ([0-9a-f]{64})$/m);
});
after(() => rm(folder, { recursive: true }));

const make = (router, create = createRouter) => create({ router, embedder: { src: EMBEDDER }, seed: 1 });
const otherKey = () => generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');

test('the command knows its own signature, by the key or its PEM, and no other', async () => {
  assert.match(await run(POINTSMAN, ['verify', file, '--public-key', key]), new RegExp(`^signed by ${key}`));
  await assert.rejects(run(POINTSMAN, ['verify', file, '--public-key', otherKey()]), /MISMATCH.*signature/s);
  await assert.rejects(run(POINTSMAN, ['verify', file, '--public-key', 'nonsense']), /public-key|cannot read/);
  await assert.rejects(run(POINTSMAN, ['sign', EMBEDDER, '--key', join(folder, 'key.pem')]), /not a router file/);
  await assert.rejects(run(POINTSMAN, ['sign', file, '--key', file]), /openssl genpkey/);
});

test('so does the package, wherever the signature is', async () => {
  const signature = await readFile(`${file}.sig`);
  const [src, bytes] = [file, await readFile(file)];
  for (const router of [{ src, signedBy: key }, { src, signedBy: key.toUpperCase(), signature }, { src: bytes, signedBy: key, signature: `${file}.sig` }]) {
    assert.ok((await (await make(router)).route('hello')).model);
  }
  const router = await make({ src, signedBy: key }, createOnThread);
  await router[asyncDispose]();
});

test('what somebody else signed, or changed, is refused before it is read', async () => {
  const bytes = await readFile(file);
  const signature = await readFile(`${file}.sig`);
  const changed = Uint8Array.from(bytes, (byte, i) => (i === 40 ? byte ^ 1 : byte));
  const table = [
    [{ src: file, signedBy: otherKey() }, 'MISMATCH'],
    [{ src: changed, signedBy: key, signature }, 'MISMATCH'],
    [{ src: bytes, signedBy: key, signature: signature.subarray(1) }, 'BAD_ARTIFACT'],
    [{ src: bytes, signedBy: key }, 'BAD_INPUT'],
    [{ src: bytes, signedBy: 'me', signature }, 'BAD_INPUT'],
    [{ src: join(ROOT, 'tests/data/tiny.router'), signedBy: key }, 'IO'],
  ];
  for (const [router, code] of table) await assert.rejects(make(router), { name: 'PointsmanError', code });
});
