/** rten on its wasm build with simd128: token ids in, mean-pooled unit vectors out. */

import { meanPool } from './pool.mjs';

const I32 = 4;

export async function load(host, { wasm, model }) {
  const [module, file] = await Promise.all([host.bytes(wasm).then((bytes) => WebAssembly.compile(bytes)), host.bytes(model)]);
  return face(module, file);
}

export async function face(module, file) {
  const { exports } = await WebAssembly.instantiate(module, stubs(module));
  const at = exports.alloc(file.length);
  new Uint8Array(exports.memory.buffer, at, file.length).set(file);
  if (!exports.load(at, file.length)) throw new Error('rten cannot load the model');
  const input = buffer(exports);
  const embed = async ({ ids }) => {
    const shape = [ids.length, ids[0].length];
    const flat = ids.flat();
    const start = input(flat.length * I32);
    new Int32Array(exports.memory.buffer, start, flat.length).set(flat);
    const hidden = exports.run(start, ...shape);
    if (hidden === 0) throw new Error('rten failed');
    return meanPool(new Float32Array(exports.memory.buffer, hidden, exports.hidden_length()), shape);
  };
  return { operations: { embed } };
}

/** Room that grows with what it is asked for. */
function buffer(exports) {
  let [start, room] = [0, 0];
  return (bytes) => {
    if (bytes > room) [start, room] = [exports.alloc(bytes), bytes];
    return start;
  };
}

/** It imports clocks and random numbers, and uses neither for an answer. */
function stubs(module) {
  const found = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind === 'function') (found[from] ??= {})[name] = /now/.test(name) ? () => performance.now() : () => 0;
  }
  return found;
}
