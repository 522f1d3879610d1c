// Layer normalisation of a row, or of the sum of two. Eight threads take a row, each one lane of the CPU's sums.

struct Norm {
  width: u32,
  two: u32,
  epsilon: f32,
}

@group(0) @binding(1) var<uniform> layer: Norm;
@group(0) @binding(2) var<storage, read> a: array<f32>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
// gain, bias
@group(0) @binding(4) var<storage, read> affine: array<f32>;
@group(0) @binding(6) var<storage, read_write> out: array<f32>;

const LANES = 8u;

var<workgroup> sums: array<f32, 64>;
var<workgroup> squares: array<f32, 64>;

fn input(at: u32) -> f32 {
  if (layer.two == 0u) { return a[at]; }
  return a[at] + b[at];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group.x * 8u + thread / LANES;
  let lane = thread % LANES;
  let first = thread / LANES * LANES;
  let start = min(row, call.rows - 1u) * layer.width;
  let count = f32(layer.width);
  var sum = 0.0;
  for (var i = lane; i < layer.width; i += LANES) { sum = sum + input(start + i); }
  sums[thread] = sum;
  workgroupBarrier();
  let mean = divided(tree(
    vec4<f32>(sums[first], sums[first + 1u], sums[first + 2u], sums[first + 3u]),
    vec4<f32>(sums[first + 4u], sums[first + 5u], sums[first + 6u], sums[first + 7u])), count);
  var square = 0.0;
  for (var i = lane; i < layer.width; i += LANES) {
    let centred = input(start + i) - mean;
    square = square + centred * centred;
  }
  squares[thread] = square;
  workgroupBarrier();
  let variance = divided(tree(
    vec4<f32>(squares[first], squares[first + 1u], squares[first + 2u], squares[first + 3u]),
    vec4<f32>(squares[first + 4u], squares[first + 5u], squares[first + 6u], squares[first + 7u])), count);
  let inverse = divided(1.0, root(variance + layer.epsilon));
  if (row >= call.rows) { return; }
  for (var i = lane; i < layer.width; i += LANES) {
    out[start + i] = (input(start + i) - mean) * inverse * affine[i] + affine[layer.width + i];
  }
}
