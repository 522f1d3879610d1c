/**
 * Makes the wasm that ships fail for real, in the middle of a call. `plant` is also run in pages: it must stand alone.
 *
 * Wasm asks for the time as `route` begins and ends; that call is answered by a failure.
 */

/** @returns {{ fail(kind: 'panic' | 'throw' | 'stack', when?: 'begin' | 'end'): void, fill(): void }} */
export function plant() {
  const { Instance, instantiate, instantiateStreaming } = WebAssembly;
  let exports;
  const caught = (made) => {
    exports = (made.instance ?? made).exports;
    return made;
  };
  WebAssembly.Instance = /** @type {any} */ (function Caught(module, imports) { return caught(new Instance(module, imports)); });
  Object.defineProperty(WebAssembly.Instance, Symbol.hasInstance, { value: (value) => value instanceof Instance });
  WebAssembly.instantiate = /** @type {any} */ (async (...args) => caught(await Reflect.apply(instantiate, WebAssembly, args)));
  WebAssembly.instantiateStreaming = async (...args) => caught(await Reflect.apply(instantiateStreaming, WebAssembly, args));
  const now = performance.now.bind(performance);
  const deeper = () => deeper() + 1;
  const failures = {
    panic: () => exports.__wbindgen_malloc(2 ** 31 - 1, 1), // what the allocator refuses, Rust aborts on
    throw: () => { throw new Error('planted'); },
    stack: () => deeper(),
  };
  return {
    /** The next route fails; the package's own question for the time comes before those of wasm. */
    fail(kind, when = 'begin') {
      let asked = 0;
      performance.now = () => {
        asked += 1;
        if (asked < (when === 'begin' ? 2 : 3)) return now();
        performance.now = now;
        return /** @type {any} */ (failures[kind]());
      };
    },
    /** Leaves the instance no page of memory to ask for. */
    fill() {
      try {
        for (;;) exports.memory.grow(16);
      } catch {
        // full
      }
    },
  };
}
