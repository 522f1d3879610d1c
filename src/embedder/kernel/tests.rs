use super::*;

fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let next = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((*state >> 40) as f32 / (1u64 << 23) as f32 - 1.0)
    };
    std::iter::repeat_with({
        let mut state = seed;
        move || next(&mut state).unwrap_or_default()
    })
    .take(len)
    .collect()
}

struct Layer {
    weights: Vec<u8>,
    scale: Vec<f32>,
    bias: Vec<f32>,
    smooth: Vec<f32>,
}

impl Layer {
    fn new(inputs: usize, outputs: usize) -> Self {
        let weights = numbers(1, inputs * outputs).iter().map(|x| ((x * 127.0) as i8).cast_unsigned()).collect();
        let positive = |seed, len| numbers(seed, len).iter().map(|x| 0.01 + x.abs()).collect();
        Self { weights, scale: positive(2, outputs), bias: numbers(3, outputs), smooth: positive(4, inputs) }
    }

    fn packed(&self, format: Activations, kernel: Kernel) -> Packed {
        let Self { weights, scale, bias, smooth } = self;
        Packed::new(&Stored { weights, scale, bias, smooth: Some(smooth) }, format, kernel).unwrap()
    }
}

fn run(packed: &Packed, x: &[f32], rows: usize) -> Vec<f32> {
    let mut out = vec![0.0; rows * packed.outputs()];
    linear(packed, x, Epilogue::Gelu, &mut out);
    out
}

#[test]
fn every_kernel_equals_the_reference_bit_for_bit() {
    for (rows, inputs, outputs) in [(1, 1, 1), (2, 5, 3), (3, 384, 24), (7, 64, 17), (16, 1536, 40), (5, 20, 48), (261, 32, 8)] {
        let layer = Layer::new(inputs, outputs);
        let x = numbers(5, rows * inputs);
        for format in [Activations::Bits7, Activations::Bits14] {
            let expected = run(&layer.packed(format, Kernel::Scalar), &x, rows);
            for kernel in Kernel::available(format) {
                assert_eq!(run(&layer.packed(format, kernel), &x, rows), expected, "{kernel:?} {format:?} {rows}x{inputs}x{outputs}");
            }
        }
    }
}

#[test]
fn extreme_integers_do_not_overflow() {
    let (inputs, outputs) = (1536, 8);
    let weights: Vec<u8> = (0..inputs * outputs).map(|i| if i % 2 == 0 { 127 } else { (-128i8).cast_unsigned() }).collect();
    let stored = Stored { weights: &weights, scale: &[1.0; 8], bias: &[0.0; 8], smooth: None };
    let x: Vec<f32> = (0..inputs).map(|i| if i == 0 { 0.0 } else { 127.0 }).collect();
    for format in [Activations::Bits7, Activations::Bits14] {
        for kernel in Kernel::available(format) {
            let packed = Packed::new(&stored, format, kernel).unwrap();
            let mut out = [0.0; 8];
            linear(&packed, &x, Epilogue::Plain, &mut out);
            for (o, y) in out.iter().enumerate() {
                let exact = 127.0 * 1535.0 * if o % 2 == 0 { 127.0 } else { -128.0 };
                assert!((y - exact).abs() <= exact.abs() * 1e-3, "{kernel:?} {format:?}: {y}, not {exact}");
            }
        }
    }
}

#[test]
fn quantization_stays_within_half_a_step() {
    let layer = Layer { weights: vec![1], scale: vec![1.0], bias: vec![0.0], smooth: vec![1.0] };
    for (format, levels) in [(Activations::Bits7, 127.0), (Activations::Bits14, 16382.0)] {
        // One input, one weight of 1: what comes out is what the integer stood for. A row of one value has no range.
        let packed = layer.packed(format, Kernel::Scalar);
        for x in [-3.0, 0.0, 1e-30, 2.5, 1e30] {
            assert_eq!(run_plain(&packed, &[x]), [x], "{levels}");
        }
    }
    let identity: Vec<u8> = (0..16).map(|i| u8::from(i % 5 == 0)).collect();
    for (format, levels) in [(Activations::Bits7, 127.0f32), (Activations::Bits14, 16382.0)] {
        let stored = Stored { weights: &identity, scale: &[1.0; 4], bias: &[0.0; 4], smooth: None };
        let packed = Packed::new(&stored, format, Kernel::Scalar).unwrap();
        let x = [-1.0, 0.3, 0.70001, 2.0];
        for (x, y) in x.iter().zip(run_plain(&packed, &x)) {
            assert!((x - y).abs() <= 3.0 / levels * 0.5001, "{x} {y}");
        }
    }
}

fn run_plain(packed: &Packed, x: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; packed.outputs()];
    linear(packed, x, Epilogue::Plain, &mut out);
    out
}

#[test]
fn layers_of_one_input_join() {
    let (a, b) = (Layer::new(12, 16), Layer::new(12, 8));
    let b = Layer { smooth: a.smooth.clone(), ..b };
    let pack = |layer: &Layer| layer.packed(Activations::Bits7, Kernel::Scalar);
    let joined = Packed::join(&[&pack(&a), &pack(&b)]).unwrap();
    let x = numbers(9, 12);
    assert_eq!(run(&joined, &x, 1), [run(&pack(&a), &x, 1), run(&pack(&b), &x, 1)].concat());
    assert!(Packed::join(&[&pack(&a), &pack(&Layer::new(12, 9))]).is_none());
}

#[test]
fn layers_that_do_not_fit_are_refused() {
    let stored = Stored { weights: &[1, 2, 3], scale: &[1.0, 1.0], bias: &[0.0, 0.0], smooth: None };
    assert_eq!(Packed::new(&stored, Activations::Bits7, Kernel::Scalar).unwrap_err().code(), "BAD_ARTIFACT");
    let many = vec![0; 2100];
    let stored = Stored { weights: &many, scale: &[1.0], bias: &[0.0], smooth: None };
    assert!(Packed::new(&stored, Activations::Bits7, Kernel::Scalar).is_ok());
    assert_eq!(Packed::new(&stored, Activations::Bits14, Kernel::Scalar).unwrap_err().code(), "BAD_ARTIFACT");
}
