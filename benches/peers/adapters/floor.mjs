/** The bare multiply-adds of the linear layers, in each arithmetic that the engine accepts: floor.rs. */

/** @param {Record<string, string>} levels where the module of each level of SIMD is */
export async function load(host, levels) {
  const modules = {};
  for (const [level, place] of Object.entries(levels)) {
    const bytes = await host.bytes(place);
    if (WebAssembly.validate(bytes)) modules[level] = await WebAssembly.compile(bytes);
  }
  return face(modules);
}

/** @param {Record<string, WebAssembly.Module>} modules */
export async function face(modules) {
  const operations = {};
  const levelOf = {};
  for (const [level, module] of Object.entries(modules)) {
    const { exports } = await WebAssembly.instantiate(module);
    for (const [name, multiply] of Object.entries(exports)) {
      if (typeof multiply !== 'function') continue;
      levelOf[name] = level;
      operations[name] = (tokens) => {
        const wrong = multiply(tokens);
        if (wrong !== 0) throw new Error(`${name}: ${wrong} wrong sums at ${tokens} tokens`);
      };
    }
  }
  return { operations, levelOf };
}
