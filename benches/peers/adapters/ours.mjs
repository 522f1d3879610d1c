/** pointsman through its public API, as any user imports it. */

export async function load(host, { [host.environment]: entry, wasm }) {
  const { createRouter } = await import(host.url(entry));
  return face(await createRouter(wasm ? { wasm: new URL(host.url(wasm)) } : {}));
}

export function face(router) {
  return {
    operations: {
      route: ({ texts }) => router.route(texts[0]),
      embed: ({ texts }) => router.embed(texts.length === 1 ? texts[0] : texts),
    },
    simd: () => router.stats().simd,
  };
}
