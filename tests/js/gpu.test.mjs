/** WebGPU in Chromium on SwiftShader: what the GPU computes is what the CPU computes, and no call needs it. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { blankPages } from './support/blank-page.mjs';
import { complaintsOf } from './support/chromium.mjs';
import { spy } from './support/gpu-spy.mjs';
import { ROOT } from './support/paths.mjs';

const newPage = blankPages({
  args: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
  mounts: { '/data/': join(ROOT, 'tests', 'data') },
});

/** Makes long waits longer: here a busy machine plays the GPU, and compiles its shaders. */
function patience() {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (call, ms, ...args) => setTimeout(call, ms > 5000 ? 20 * ms : ms, ...args);
}

/** A page at the blank address, and what it complained of when the test ends: nothing. */
async function visit(t, ...scripts) {
  const { page, url } = await newPage();
  const complaints = complaintsOf(page);
  for (const script of [spy, ...scripts]) await page.addInitScript(script);
  await page.goto(url);
  // Of what a page hands to WebGPU wrongly, Chromium itself tells the console; a test does so.
  t.after(() => assert.deepEqual(complaints.filter((text) => !/While (calling|validating|encoding)|is invalid/.test(text)), []));
  return page;
}

test('embeddings of texts of many lengths, packed, are those of the CPU', async (t) => {
  const page = await visit(t, patience);
  const { found, stats, seen } = await page.evaluate(async () => {
    const { compare, create, text } = await import('/gpu.js');
    const [cpu, gpu] = [await create(), await create({ device: 'webgpu' })];
    const texts = Array.from({ length: 40 }, (_, i) => text(1 + (i * 5) % 46, i));
    const { mapped, waited, dispatched, passes } = globalThis.gpu;
    return { found: compare(await gpu.embed(texts), await cpu.embed(texts), 32), stats: gpu.stats(), seen: await counts() };

    async function counts() {
      const now = globalThis.gpu;
      return { mapped: now.mapped - mapped, waited: now.waited - waited, dispatched: now.dispatched - dispatched, passes: now.passes - passes };
    }
  });
  console.log(`${found.differing} of ${found.count} values differ, worst cosine ${found.worst}`);
  assert.ok(found.worst >= 0.998 && found.mean >= 0.9995);
  assert.deepEqual(seen, { mapped: 1, waited: 0, dispatched: stats.gpu.dispatches, passes: 1 });
  assert.equal(stats.device, 'webgpu');
  assert.match(stats.gpu.adapter, /swiftshader/);
});

test('all-MiniLM-L6-v2 runs whole, in at most fifty dispatches', async (t) => {
  const page = await visit(t, patience);
  const { found, stats, decisions } = await page.evaluate(async () => {
    const { compare, create } = await import('/gpu.js');
    const full = { router: undefined, embedder: undefined };
    const [cpu, gpu] = [await create(full), await create({ ...full, device: 'webgpu' })];
    const texts = ['hi', 'Prove that there are infinitely many primes.', 'Schreibe ein Gedicht über das Meer 🌊.'];
    const found = compare(await gpu.embed(texts), await cpu.embed(texts), 384);
    const decisions = [await gpu.route(texts[1]), await cpu.route(texts[1])].map(({ model, scores, device }) => ({ model, scores, device }));
    return { found, stats: gpu.stats(), decisions };
  });
  console.log(`${found.differing} of ${found.count} values differ, worst cosine ${found.worst}`);
  assert.ok(found.worst >= 0.998 && found.mean >= 0.9995);
  assert.ok(stats.gpu.dispatches <= 50, `${stats.gpu.dispatches}`);
  const [onGpu, onCpu] = decisions;
  assert.deepEqual([onGpu.device, onCpu.device], ['webgpu', undefined]);
  assert.equal(onGpu.model, onCpu.model);
});

test('a batch of hundreds of texts tells how far it is, waits where the GPU is far behind, and is read back once', async (t) => {
  const page = await visit(t, patience);
  const { found, heard, mapped, paced } = await page.evaluate(async () => {
    const { compare, create, text } = await import('/gpu.js');
    const [cpu, gpu] = [await create(), await create({ device: 'webgpu' })];
    // Some 71,000 tokens, in texts of 3 to 48.
    const texts = Array.from({ length: 2800 }, (_, i) => text(1 + i % 46, i));
    const [heard, before] = [[], { ...globalThis.gpu }];
    const vectors = await gpu.embed(texts, { onProgress: (progress) => heard.push(progress) });
    const { mapped, paced } = globalThis.gpu;
    return { found: compare(vectors, await cpu.embed(texts), 32), heard, mapped: mapped - before.mapped, paced: paced - before.paced };
  });
  assert.ok(found.worst >= 0.998);
  assert.deepEqual(heard.at(-1), { done: 2800, total: 2800 });
  assert.ok(heard.length > 1 && heard.every(({ done }, i) => i === 0 || done > heard[i - 1].done));
  assert.equal(mapped, 1);
  assert.ok(paced > 0);
});

/** How a GPU may be missing or fail, and what `stats` says then. */
const FAULTS = {
  'no WebGPU': [() => { delete Navigator.prototype.gpu; }, /there is no WebGPU/],
  'no adapter': [() => { GPU.prototype.requestAdapter = async () => null; }, /no adapter/],
  'an adapter that never comes': [() => { GPU.prototype.requestAdapter = () => new Promise(() => {}); hurry(); }, /the adapter within/],
  'no device': [() => { GPUAdapter.prototype.requestDevice = async () => { throw new DOMException('too few limits', 'OperationError'); }; }, /too few limits/],
  'a device that is lost before the call': [() => { globalThis.prepare = (gpu) => gpu.devices.forEach((device) => device.destroy()); }, /lost/],
  'a device that is lost during the call': [() => { globalThis.meanwhile = (gpu) => gpu.devices.forEach((device) => device.destroy()); }, /lost/],
  'a validation error': [() => {
    const create = GPUDevice.prototype.createBindGroup;
    GPUDevice.prototype.createBindGroup = function broken(descriptor) { return create.call(this, { ...descriptor, entries: [] }); };
  }, /failed/],
  'memory that is full': [() => {
    const create = GPUDevice.prototype.createBuffer;
    GPUDevice.prototype.createBuffer = function full(descriptor) {
      this.dispatchEvent(new GPUUncapturedErrorEvent('uncapturederror', { error: new GPUOutOfMemoryError('no room is left') }));
      return create.call(this, descriptor);
    };
  }, /no room is left|memory/i],
  'limits that are too small': [() => {
    Object.defineProperty(GPUSupportedLimits.prototype, 'maxStorageBufferBindingSize', { get: () => 1024 });
  }, /can be bound|limit/i],
  'a readback that never comes': [() => { GPUBuffer.prototype.mapAsync = () => new Promise(() => {}); hurry(); }, /the vectors within/],
};

/** Makes long waits short. */
function hurry() {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (call, ms, ...args) => setTimeout(call, ms > 5000 ? 300 : ms, ...args);
}

for (const [fault, [script, reason]] of Object.entries(FAULTS)) {
  test(`with ${fault}, the CPU answers`, async (t) => {
    const page = await visit(t, `(${script})(); ${hurry}`);
    const { found, route, later, stats } = await page.evaluate(async () => {
      const { compare, create, text } = await import('/gpu.js');
      const [cpu, gpu] = [await create({ seed: 1 }), await create({ device: 'webgpu', seed: 1 })];
      const texts = [text(5), text(40)];
      globalThis.prepare?.(globalThis.gpu);
      const embedding = gpu.embed(texts);
      globalThis.meanwhile?.(globalThis.gpu);
      const found = compare(await embedding, await cpu.embed(texts), 32);
      const plain = ({ id, model, device }) => ({ id, model, device });
      return { found, route: [await gpu.route('hello'), await cpu.route('hello')].map(plain), later: (await gpu.embed('again')).length, stats: gpu.stats() };
    });
    assert.equal(found.differing, 0);
    assert.deepEqual(route[0], { ...route[1], device: 'wasm' });
    assert.equal(later, 32);
    assert.deepEqual([stats.device, stats.gpu.ready], ['wasm', false]);
    assert.match(stats.gpu.reason, reason);
  });
}

test('auto takes what was measured to be faster', async (t) => {
  const page = await visit(t, patience);
  const ran = await page.evaluate(async () => {
    const { create, text } = await import('/gpu.js');
    const calibration = { cpu: [[8, 8], [32, 32]], gpu: [[8, 100], [1000, 101]] };
    const router = await create({ device: 'auto', calibration });
    while (!router.stats().gpu.ready) await new Promise((resolve) => { setTimeout(resolve, 20); });
    const ran = [];
    for (const texts of [[text(3)], Array(20).fill(text(20)), [text(3)]]) {
      await router.embed(texts);
      ran.push(router.stats().device);
    }
    ran.push((await router.route(text(4))).device);
    return { ran, kept: router.stats().gpu.calibration, calibration };
  });
  assert.deepEqual(ran.ran, ['wasm', 'webgpu', 'wasm', 'wasm']);
  assert.deepEqual(ran.kept, ran.calibration);
});

test('auto measures once, while the CPU answers, and remembers', async (t) => {
  const page = await visit(t, patience);
  const { first, devices, calibrations, dispatched } = await page.evaluate(async () => {
    const { create, text } = await import('/gpu.js');
    const [devices, calibrations, dispatched] = [[], [], []];
    let first;
    for (let i = 0; i < 2; i += 1) {
      const before = globalThis.gpu.dispatched;
      const router = await create({ device: 'auto' });
      devices.push((await router.route(text(4))).device);
      first ??= router.stats().gpu.ready;
      while (!router.stats().gpu.ready) await new Promise((resolve) => { setTimeout(resolve, 20); });
      calibrations.push(router.stats().gpu.calibration);
      dispatched.push(globalThis.gpu.dispatched - before);
      await router[Symbol.asyncDispose]();
    }
    return { first, devices, calibrations, dispatched };
  });
  assert.equal(first, false);
  assert.deepEqual(devices, ['wasm', 'wasm']);
  for (const points of Object.values(calibrations[0])) assert.ok(points.length >= 2 && points.every(([tokens, ms]) => tokens > 0 && ms >= 0));
  assert.deepEqual(calibrations[1], calibrations[0]);
  assert.ok(dispatched[0] > 0 && dispatched[1] === 0, `${dispatched}`);
});

test('on a thread of its own', async (t) => {
  const page = await visit(t);
  const { found, heard, stats, decision } = await page.evaluate(async () => {
    const { compare, create, text } = await import('/gpu.js');
    const [cpu, gpu] = [await create(), await create({ device: 'webgpu' }, 'worker/browser.js')];
    const [texts, heard] = [[text(5), text(30)], []];
    const vectors = await gpu.embed(texts, { onProgress: (progress) => heard.push(progress) });
    return { found: compare(vectors, await cpu.embed(texts), 32), heard, decision: await gpu.route(text(9)), stats: await gpu.stats() };
  });
  assert.deepEqual(heard, [{ done: 2, total: 2 }]);
  assert.ok(found.worst >= 0.998);
  assert.deepEqual([stats.device, decision.device], ['webgpu', 'webgpu']);
});

test('nobody fetches the GPU part who does not ask for it', async (t) => {
  const page = await visit(t);
  const requests = [];
  page.on('request', (request) => requests.push(new URL(request.url()).pathname));
  const fetched = async (options) => {
    requests.length = 0;
    await page.evaluate(async (given) => (await (await import('/gpu.js')).create(given)).route('hello'), options);
    return requests.filter((path) => /gpu|device/.test(path) && path !== '/gpu.js').sort();
  };
  assert.deepEqual(await fetched({}), []);
  assert.deepEqual(await fetched({ device: 'webgpu' }), [
    '/pointsman/device.js', '/pointsman/gpu-choice.js', '/pointsman/gpu.js', '/pointsman/wasm/pointsman_gpu.js', '/pointsman/wasm/pointsman_gpu_bg.wasm',
  ]);
});

test('what is no device and no calibration is refused', async (t) => {
  const page = await visit(t);
  const refusals = await page.evaluate(async () => {
    const { create } = await import('/gpu.js');
    const bad = [{ device: 'gpu' }, { device: 'auto', calibration: { cpu: [] } }, { device: 'auto', calibration: { cpu: [[1, 1], [1, 2]], gpu: [[1, 1], [2, 1]] } }];
    return Promise.all(bad.map((options) => create(options).then(() => 'taken', ({ code }) => code)));
  });
  assert.deepEqual(refusals, ['BAD_INPUT', 'BAD_INPUT', 'BAD_INPUT']);
});
