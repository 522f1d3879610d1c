/** A job, where the peer runs in the same engine as the measuring loop: a Node process or a page. */

import { floorInputs, textInputs } from './inputs.mjs';
import { measure, measureFloor } from './measure.mjs';
import { watchWasmMemory } from './memory.mjs';

/**
 * @typedef {object} Host what an adapter may use
 * @property {'node' | 'browser'} environment
 * @property {(place: string) => string} url
 * @property {(place: string) => string} [path] in Node
 * @property {(place: string) => Promise<Uint8Array>} bytes
 */

/** @param {Host} host */
export async function runJob(host, { adapter, config, loop, fidelity }) {
  const json = async (place) => JSON.parse(new TextDecoder().decode(await host.bytes(place)));
  const { load } = await import(host.url(`harness/adapters/${adapter}.mjs`));
  const start = () => load(host, config);
  if (adapter === 'floor') return measureFloor(new Local(start, floorInputs()), loop);
  const texts = textInputs(await json('data/texts.json'));
  const reference = fidelity ? await json('data/reference.json') : undefined;
  return measure(new Local(start, texts), loop, reference);
}

/** @implements {import('./measure.mjs').Subject} */
class Local {
  #load;
  #inputs;
  #face;
  #memory = watchWasmMemory();
  operations = [];

  constructor(load, inputs) {
    this.#load = load;
    this.#inputs = inputs;
  }

  async start() {
    const begun = performance.now();
    this.#face = await this.#load();
    const load = performance.now() - begun;
    this.operations = Object.keys(this.#face.operations);
    return { load, first: await this.time(this.operations[0], '16', 0) };
  }

  async time(operation, set, index) {
    const call = this.#face.operations[operation];
    const input = this.#inputs.pick(set, index);
    const begun = performance.now();
    await call(input);
    return performance.now() - begun;
  }

  async vectors() {
    const vectors = [];
    for (const input of this.#inputs.all('varied')) vectors.push(await this.#face.operations.embed(input));
    return vectors;
  }

  async facts() {
    const { simd, levelOf, native } = this.#face;
    return { wasmBytes: native ? undefined : this.#memory(), native, simd: simd?.(), levelOf };
  }
}
