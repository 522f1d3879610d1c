// What every kernel of this crate reads, and functions of f32 in the order of arithmetic that the CPU has them.

struct Call {
  // Of this dispatch.
  rows: u32,
  texts: u32,
  // Texts of the same call before this one's first.
  before: u32,
  // Two constants that a compiler must not see, for it would change the order of arithmetic around them: 1, and 2 / 4.4².
  one: f32,
  squeeze: f32,
}

@group(0) @binding(0) var<uniform> call: Call;

// The upper half of a number's digits: products of halves are exact.
fn upper(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
}

// a - x y, which a device may have rounded x for: exact where x y is close to a.
fn remainder(a: f32, x: f32, y: f32) -> f32 {
  let product = x * y;
  let x_high = upper(x);
  let y_high = upper(y);
  let x_low = x - x_high;
  let y_low = y - y_high;
  let lost = ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low;
  return (a - product) - lost;
}

// a / b, rounded as IEEE has it: devices may be off by 2.5 of the last digit.
fn divided(a: f32, b: f32) -> f32 {
  let quotient = a / b;
  return quotient + remainder(a, quotient, b) / b;
}

// The square root, rounded as IEEE has it.
fn root(x: f32) -> f32 {
  let close = sqrt(x);
  return select(close, close + remainder(x, close, close) / (2.0 * close), close > 0.0);
}

// Eight lanes, always in the same tree.
fn tree(a: vec4<f32>, b: vec4<f32>) -> f32 {
  let pairs = a + b;
  return (pairs.x + pairs.z) + (pairs.y + pairs.w);
}

// x Φ(x): a polynomial in t = 2x²/4.4² - 1, as src/embedder/ops/math.rs has it.
fn gelu(x: vec4<f32>) -> vec4<f32> {
  const RANGE = 4.4f;
  let c = min(max(x, vec4<f32>(-RANGE)), vec4<f32>(RANGE));
  let t = c * c * call.squeeze - 1.0;
  var p = vec4<f32>(0.0027541718);
  p = p * t + -0.007884178;
  p = p * t + 0.010987832;
  p = p * t + -0.015976993;
  p = p * t + 0.026802193;
  p = p * t + -0.040089235;
  p = p * t + 0.05525052;
  p = p * t + -0.07861231;
  p = p * t + 0.16040442;
  return x * min(max(0.5 + c * p, vec4<f32>(0.0)), vec4<f32>(1.0));
}

// e^x for x ≤ 0 after Cody and Waite; 0 below -87.
fn exp_negative(x: f32) -> f32 {
  let above = max(x, -87.0);
  let n = round(above * 1.44269504);
  let power = bitcast<f32>((i32(n) + 127) << 23u);
  let r = (above - n * 0.6933594) - n * -0.00021219444;
  var p = 0.008333452 + r * (0.0013982 + r * 0.00019875692);
  p = 0.16666665 + r * (0.041665796 + r * p);
  p = (0.5 + r * p) * (r * r) + r + call.one;
  return select(0.0, p * power, x > -87.0);
}
