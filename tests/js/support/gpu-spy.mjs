/** What a page does with its GPU: runs in the page before anything else, and leaves its counts in `globalThis.gpu`. */

export function spy() {
  const seen = { devices: [], mapped: 0, paced: 0, waited: 0, dispatched: 0, passes: 0 };
  globalThis.gpu = seen;
  const wrap = (type, method, before) => {
    const original = type.prototype[method];
    type.prototype[method] = function wrapped(...args) {
      before(...args);
      return original.apply(this, args);
    };
  };
  wrap(GPUBuffer, 'mapAsync', (mode) => { seen[mode === GPUMapMode.READ ? 'mapped' : 'paced'] += 1; });
  wrap(GPUQueue, 'onSubmittedWorkDone', () => { seen.waited += 1; });
  wrap(GPUComputePassEncoder, 'dispatchWorkgroups', () => { seen.dispatched += 1; });
  wrap(GPUCommandEncoder, 'beginComputePass', () => { seen.passes += 1; });
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function requested(...args) {
    const device = await request.apply(this, args);
    seen.devices.push(device);
    return device;
  };
}
