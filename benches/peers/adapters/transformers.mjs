/** transformers.js end to end: text in, unit vectors out. In Node it runs onnxruntime's native library, not wasm. */

const PACKAGE = 'npm/@huggingface/transformers/';
const WASM = `${PACKAGE}node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify`;

export async function load(host, { models, name }) {
  const native = host.environment === 'node';
  const { env, pipeline } = await import(host.url(`${PACKAGE}dist/${native ? 'transformers.node.mjs' : 'transformers.min.js'}`));
  Object.assign(env, {
    allowRemoteModels: false,
    allowLocalModels: true,
    useBrowserCache: false,
    useFSCache: false,
    useWasmCache: false,
    localModelPath: native ? host.path(models) : new URL(host.url(models)).pathname,
  });
  if (!native) {
    env.backends.onnx.wasm.wasmPaths = { mjs: host.url(`${WASM}.mjs`), wasm: host.url(`${WASM}.wasm`) };
    env.backends.onnx.wasm.numThreads = 1;
  }
  const one = { session_options: { intraOpNumThreads: 1, interOpNumThreads: 1 } };
  const extract = await pipeline('feature-extraction', name, { dtype: 'q8', ...(native ? one : { device: 'wasm' }) });
  const embed = async ({ texts }) => (await extract(texts, { pooling: 'mean', normalize: true })).data;
  return { operations: { embed }, native };
}
