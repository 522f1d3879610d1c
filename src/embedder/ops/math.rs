//! Functions of f32 that give the same bits on every target: no libm, no reassociation.

#[cfg(feature = "build")]
use super::super::kernel::products;
use super::super::kernel::{LANES, Lanes};

/// Folds a row eight numbers at a time; what is left at its end comes as eight with zeros behind.
#[inline(always)]
pub(in crate::embedder) fn sum(row: &[f32], f: impl Fn(Lanes) -> Lanes) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut sum = Lanes::splat(0.0);
    for chunk in chunks {
        sum = sum + f(Lanes::load(chunk));
    }
    if !rest.is_empty() {
        let mut last = [0.0; LANES];
        last[..rest.len()].copy_from_slice(rest);
        sum = sum + f(Lanes::load(&last));
    }
    sum.sum()
}

/// Scalar product of rows of one length.
#[cfg(feature = "build")]
pub(in crate::embedder) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (whole, rest) = products(a, b);
    whole.sum() + rest
}

/// Beyond this, Φ is 0 or 1 to within the error below.
const PHI_RANGE: f32 = 4.4;
/// (Φ(x) - ½) / x as a polynomial in t = 2x²/4.4² - 1, lowest power first: a weighted minimax fit whose error in x Φ(x)
/// is at most 2.6e-5 (7-bit activations round by 1e-2 and more).
const PHI: [f32; 9] = [
    0.160_404_42,
    -0.078_612_31,
    0.055_250_52,
    -0.040_089_235,
    0.026_802_193,
    -0.015_976_993,
    0.010_987_832,
    -0.007_884_178,
    0.002_754_171_8,
];

/// x Φ(x), Φ the normal distribution function.
#[inline(always)]
pub(in crate::embedder) fn gelu(x: Lanes) -> Lanes {
    let splat = Lanes::splat;
    let c = x.max(splat(-PHI_RANGE)).min(splat(PHI_RANGE));
    let t = c * c * splat(2.0 / (PHI_RANGE * PHI_RANGE)) - splat(1.0);
    let mut p = splat(PHI[8]);
    for k in [7, 6, 5, 4, 3, 2, 1, 0] {
        p = p * t + splat(PHI[k]);
    }
    x * (splat(0.5) + c * p).max(splat(0.0)).min(splat(1.0))
}

/// e^x for x ≤ 0 after Cody and Waite, relative error below 3e-7; 0 below -87.
#[inline(always)]
pub(in crate::embedder) fn exp_negative(x: Lanes) -> Lanes {
    const LEAST: f32 = -87.0;
    let splat = Lanes::splat;
    let above = x.max(splat(LEAST));
    let (n, power) = (above * splat(std::f32::consts::LOG2_E)).round_and_power();
    // ln 2 in two parts: the first has bits to spare, so that n times it is exact.
    let r = (above - n * splat(0.693_359_4)) - n * splat(-2.121_944_4e-4);
    let p = splat(8.333_452e-3) + r * (splat(1.398_2e-3) + r * splat(1.987_569_2e-4));
    let p = splat(1.666_666_5e-1) + r * (splat(4.166_579_6e-2) + r * p);
    let p = (splat(0.5) + r * p) * (r * r) + r + splat(1.0);
    (p * power).where_above(x, LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(f: impl Fn(Lanes) -> Lanes, x: f32) -> f32 {
        let mut out = [0.0; LANES];
        f(Lanes::splat(x)).store(&mut out);
        out[3]
    }

    #[test]
    fn gelu_is_close_to_its_definition() {
        // Φ by Simpson's rule on the density, in f64.
        let phi = |x: f64| {
            let (n, h) = (2000, x / 2000.0);
            let density = |t: f64| (-t * t / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
            let inner: f64 = (1..n).map(|i| density(f64::from(i) * h) * if i % 2 == 1 { 4.0 } else { 2.0 }).sum();
            0.5 + h / 3.0 * (density(0.0) + inner + density(x))
        };
        for i in -900..=900i16 {
            let x = f32::from(i) / 100.0;
            let exact = f64::from(x) * phi(f64::from(x));
            assert!((f64::from(each(gelu, x)) - exact).abs() < 2.6e-5, "{x}");
        }
        assert!(each(gelu, f32::NAN).is_nan());
    }

    #[test]
    fn exp_is_close_to_its_definition() {
        for i in 0..8700i16 {
            let x = -f32::from(i) / 100.0;
            let (ours, exact) = (f64::from(each(exp_negative, x)), f64::from(x).exp());
            assert!((ours / exact - 1.0).abs() < 3e-7, "{x}: {ours} {exact}");
        }
        assert_eq!(each(exp_negative, 0.0), 1.0);
        assert_eq!(each(exp_negative, f32::NEG_INFINITY), 0.0);
    }

    #[test]
    fn sums_read_every_element() {
        let row: Vec<f32> = (1..=19u8).map(f32::from).collect();
        assert_eq!(sum(&row, |x| x), 190.0);
        assert_eq!(sum(&row[..3], |x| x * x), 14.0);
    }
}
