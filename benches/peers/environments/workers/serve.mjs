/** A Worker around a peer. A Worker's clock stands still while it computes, so whoever asks keeps the time. */

import texts from 'bench-texts';
import { floorInputs, textInputs } from '../../inputs.mjs';
import { watchWasmMemory } from '../../memory.mjs';

/** @param {() => Promise<any>} load gives the peer's face, as an adapter does */
export function serve(load, { floor = false } = {}) {
  const memory = watchWasmMemory();
  const inputs = floor ? floorInputs() : textInputs(texts);
  let face;
  const answers = {
    async start() {
      face = await load();
      return Object.keys(face.operations);
    },
    async call({ operation, set, index, count }) {
      for (let i = 0; i < count; i++) await face.operations[operation](inputs.pick(set, index + i));
    },
    async vectors() {
      const vectors = [];
      for (const input of inputs.all('varied')) vectors.push([...await face.operations.embed(input)]);
      return vectors;
    },
    facts: () => ({ wasmBytes: memory(), simd: face.simd?.(), levelOf: face.levelOf }),
  };
  return {
    async fetch(request) {
      const { what, ...details } = await request.json();
      try {
        return Response.json({ value: await answers[what](details) });
      } catch (error) {
        return Response.json({ error: String(error?.stack ?? error) });
      }
    },
  };
}
