/** Counts the bytes of every wasm memory that is made from now on. Must run before the peer is imported. */
export function watchWasmMemory() {
  const { Memory, Instance } = WebAssembly;
  const memories = new Set();
  const note = (memory) => memories.add(memory) && memory;
  const noteExports = ({ exports }) => Object.values(exports).filter((value) => value instanceof Memory).forEach(note);
  WebAssembly.Memory = new Proxy(Memory, { construct: (...call) => note(Reflect.construct(...call)) });
  WebAssembly.Instance = new Proxy(Instance, {
    construct(...call) {
      const instance = Reflect.construct(...call);
      noteExports(instance);
      return instance;
    },
  });
  for (const name of ['instantiate', 'instantiateStreaming']) {
    const original = WebAssembly[name];
    WebAssembly[name] = async (...call) => {
      const result = await original.apply(WebAssembly, call);
      noteExports(result.instance ?? result);
      return result;
    };
  }
  return () => [...new Set([...memories].map((memory) => memory.buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0);
}
