/** What onnxruntime-web asks a browser for. */
globalThis.location ??= /** @type {any} */ (new URL('https://worker.invalid/'));
globalThis.self ??= /** @type {any} */ (globalThis);
