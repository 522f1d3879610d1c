/** onnxruntime-web on its wasm backend with one thread: token ids in, mean-pooled unit vectors out. */

import { meanPool } from './pool.mjs';

const DIST = 'npm/onnxruntime-web/dist/';

export async function load(host, { model }) {
  const ort = await import(host.url(DIST + (host.environment === 'node' ? 'ort.node.min.mjs' : 'ort.wasm.min.mjs')));
  if (host.environment === 'browser') ort.env.wasm.wasmPaths = host.url(DIST);
  return face(ort, await host.bytes(model));
}

export async function face(ort, model) {
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] });
  const embed = async ({ ids }) => {
    const shape = [ids.length, ids[0].length];
    const tensor = (data) => new ort.Tensor('int64', data, shape);
    const all = BigInt64Array.from(ids.flat(), BigInt);
    const { last_hidden_state: hidden } = await session.run({
      input_ids: tensor(all),
      attention_mask: tensor(new BigInt64Array(all.length).fill(1n)),
      token_type_ids: tensor(new BigInt64Array(all.length)),
    });
    return meanPool(hidden.data, shape);
  };
  return { operations: { embed } };
}
