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

// Of each thread, what it adds to its row's sum, and to that of its squares.
var<workgroup> shared_lanes: array<array<f32, 64>, 2>;

fn input(at: u32) -> f32 {
  if (layer.two == 0u) { return a[at]; }
  return a[at] + b[at];
}

// What the eight threads of a row have together.
fn total(which: u32, thread: u32, lane: f32) -> f32 {
  shared_lanes[which][thread] = lane;
  workgroupBarrier();
  let first = thread / LANES * LANES;
  var eight: array<f32, 8>;
  for (var i = 0u; i < LANES; i += 1u) { eight[i] = shared_lanes[which][first + i]; }
  return tree(vec4<f32>(eight[0], eight[1], eight[2], eight[3]), vec4<f32>(eight[4], eight[5], eight[6], eight[7]));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = group.x * 8u + thread / LANES;
  let lane = thread % LANES;
  let start = min(row, call.rows - 1u) * layer.width;
  let count = f32(layer.width);
  var sum = 0.0;
  for (var i = lane; i < layer.width; i += LANES) { sum = sum + input(start + i); }
  let mean = divided(total(0u, thread, sum), count);
  var square = 0.0;
  for (var i = lane; i < layer.width; i += LANES) {
    let centred = input(start + i) - mean;
    square = square + centred * centred;
  }
  let variance = divided(total(1u, thread, square), count);
  let inverse = divided(1.0, root(variance + layer.epsilon));
  if (row >= call.rows) { return; }
  for (var i = lane; i < layer.width; i += LANES) {
    out[start + i] = (input(start + i) - mean) * inverse * affine[i] + affine[layer.width + i];
  }
}
