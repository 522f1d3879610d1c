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

/// x Φ(x), Φ the normal distribution function.
///
/// Its numbers come from memory. One that stands in the code, engines write into a register anew each time that they need
/// it, which takes longer than the arithmetic.
pub(in crate::embedder) struct Gelu {
    /// Beyond this, Φ is 0 or 1 to within the error below.
    range: f32,
    minus_range: f32,
    /// 2 / range²
    square: f32,
    half: f32,
    one: f32,
    /// (Φ(x) - ½) / x as a polynomial in t = 2x²/range² - 1, lowest power first: a weighted minimax fit whose error in
    /// x Φ(x) is at most 2.6e-5 (7-bit activations round by 1e-2 and more).
    phi: [f32; 9],
}

const RANGE: f32 = 4.4;

static GELU: Gelu = Gelu {
    range: RANGE,
    minus_range: -RANGE,
    square: 2.0 / (RANGE * RANGE),
    half: 0.5,
    one: 1.0,
    phi: [
        0.160_404_42,
        -0.078_612_31,
        0.055_250_52,
        -0.040_089_235,
        0.026_802_193,
        -0.015_976_993,
        0.010_987_832,
        -0.007_884_178,
        0.002_754_171_8,
    ],
};

impl Gelu {
    /// Where the compiler does not see what is there.
    pub(in crate::embedder) fn in_memory() -> &'static Self {
        std::hint::black_box(&GELU)
    }

    #[inline(always)]
    pub(in crate::embedder) fn of(&self, x: Lanes) -> Lanes {
        let splat = Lanes::splat;
        let c = x.max(splat(self.minus_range)).min(splat(self.range));
        let t = c * c * splat(self.square) - splat(self.one);
        let mut p = splat(self.phi[8]);
        for k in [7, 6, 5, 4, 3, 2, 1, 0] {
            p = p * t + splat(self.phi[k]);
        }
        x * (splat(self.half) + c * p).max(splat(0.0)).min(splat(self.one))
    }
}

/// e^x for x ≤ 0 after Cody and Waite, relative error below 3e-7; 0 below -87. Its numbers come from memory, as those of
/// [`Gelu`].
pub(in crate::embedder) struct Exp {
    least: f32,
    log2_e: f32,
    /// ln 2 in two parts: the first has bits to spare, so that an integer times it is exact.
    ln_2: [f32; 2],
    one: f32,
    /// The series' coefficients from the square on.
    series: [f32; 6],
}

static EXP: Exp = Exp {
    least: -87.0,
    log2_e: std::f32::consts::LOG2_E,
    ln_2: [0.693_359_4, -2.121_944_4e-4],
    one: 1.0,
    series: [0.5, 1.666_666_5e-1, 4.166_579_6e-2, 8.333_452e-3, 1.398_2e-3, 1.987_569_2e-4],
};

impl Exp {
    /// Where the compiler does not see what is there.
    pub(in crate::embedder) fn in_memory() -> &'static Self {
        std::hint::black_box(&EXP)
    }

    /// Wants [`Lanes::rounder`].
    #[inline(always)]
    pub(in crate::embedder) fn of_negative(&self, x: Lanes, rounder: Lanes) -> Lanes {
        let splat = Lanes::splat;
        let above = x.max(splat(self.least));
        let (n, power) = (above * splat(self.log2_e)).round_and_power(rounder, splat(self.one));
        let r = (above - n * splat(self.ln_2[0])) - n * splat(self.ln_2[1]);
        let mut p = splat(self.series[5]);
        for k in [4, 3, 2, 1, 0] {
            p = splat(self.series[k]) + r * p;
        }
        ((p * (r * r) + r + splat(self.one)) * power).where_above(x, self.least)
    }
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
            assert!((f64::from(each(|x| GELU.of(x), x)) - exact).abs() < 2.6e-5, "{x}");
        }
        assert!(each(|x| GELU.of(x), f32::NAN).is_nan());
    }

    #[test]
    fn exp_is_close_to_its_definition() {
        for i in 0..8700i16 {
            let x = -f32::from(i) / 100.0;
            let (ours, exact) = (f64::from(each(|x| EXP.of_negative(x, Lanes::rounder()), x)), f64::from(x).exp());
            assert!((ours / exact - 1.0).abs() < 3e-7, "{x}: {ours} {exact}");
        }
        assert_eq!(each(|x| EXP.of_negative(x, Lanes::rounder()), 0.0), 1.0);
        assert_eq!(each(|x| EXP.of_negative(x, Lanes::rounder()), f32::NEG_INFINITY), 0.0);
    }

    #[test]
    fn sums_read_every_element() {
        let row: Vec<f32> = (1..=19u8).map(f32::from).collect();
        assert_eq!(sum(&row, |x| x), 190.0);
        assert_eq!(sum(&row[..3], |x| x * x), 14.0);
    }
}
