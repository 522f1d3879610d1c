/** onnxruntime-web does not start in workerd as published. It does where its module is compiled beforehand. */

import './browser-globals.mjs';
import model from 'bench-model';
import * as ort from 'bench-package';
import module from 'bench-wasm';
import { face } from '../../adapters/onnxruntime.mjs';
import { serve } from './serve.mjs';

const instantiate = WebAssembly.instantiate.bind(WebAssembly);
WebAssembly.instantiate = async (source, imports) => {
  if (source instanceof WebAssembly.Module) return instantiate(source, imports);
  return { module, instance: await instantiate(module, imports) };
};
// It looks for bytes, which are then not used.
ort.env.wasm.wasmBinary = new Uint8Array(8);

export default serve(() => face(ort, new Uint8Array(model)));
