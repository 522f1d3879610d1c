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

/// x Φ(x) of each number, Φ the normal distribution function. Never inlined: engines optimise small functions soonest.
#[inline(never)]
pub(in crate::embedder) fn gelu(x: &mut [f32]) {
    let gelu = Gelu::in_memory();
    let (eights, rest) = x.as_chunks_mut::<LANES>();
    eights.iter_mut().for_each(|eight| gelu.of(Lanes::load(eight)).store(eight));
    let mut last = [0.0; LANES];
    last[..rest.len()].copy_from_slice(rest);
    gelu.of(Lanes::load(&last)).store_first(rest.len(), rest);
}

/// What [`gelu`] computes, and with what.
///
/// Its numbers come from memory. One that stands in the code, engines write into a register anew each time that they need
/// it, which takes longer than the arithmetic.
struct Gelu {
    /// From here on, Φ is 0 or 1 to within the error below, and so is the polynomial.
    range: f32,
    minus_range: f32,
    half: f32,
    /// (Φ(x) - ½) / x as a polynomial in x², lowest power first: a weighted minimax fit whose error in x Φ(x) is at most
    /// 1.7e-4 (7-bit activations round by 1e-2 and more).
    phi: [f32; 7],
}

static GELU: Gelu = Gelu {
    range: 3.94,
    minus_range: -3.94,
    half: 0.5,
    phi: [0.398_000_78, -0.064_745_35, 0.008_854_768, -8.318_179e-4, 4.987_05e-5, -1.698_625_3e-6, 2.480_257_6e-8],
};

impl Gelu {
    /// Where the compiler does not see what is there.
    fn in_memory() -> &'static Self {
        std::hint::black_box(&GELU)
    }

    #[inline(always)]
    fn of(&self, x: Lanes) -> Lanes {
        let splat = Lanes::splat;
        let c = x.max(splat(self.minus_range)).min(splat(self.range));
        let square = c * c;
        let mut p = splat(self.phi[6]);
        for k in [5, 4, 3, 2, 1, 0] {
            p = p * square + splat(self.phi[k]);
        }
        x * (splat(self.half) + c * p)
    }
}

/// Integers in proportion to 2^y for y ≤ 0: what a softmax needs, whose shares are quotients. Its numbers come from memory,
/// as those of [`Gelu`].
pub(in crate::embedder) struct Power {
    /// Below this, no integer is left of any level.
    least: f32,
    one: f32,
    /// 2^f for |f| ≤ ½, lowest power first: a minimax fit with a relative error of 2.6e-6.
    series: [f32; 5],
}

static POWER: Power = Power { least: -15.0, one: 1.0, series: [0.999_999_3, 0.693_121_7, 0.240_247_35, 0.055_918_664, 0.009_570_532] };

impl Power {
    /// Where the compiler does not see what is there.
    pub(in crate::embedder) fn in_memory() -> &'static Self {
        std::hint::black_box(&POWER)
    }

    /// level · 2^y, not yet rounded. Wants [`Lanes::rounder`].
    #[inline(always)]
    pub(in crate::embedder) fn of_negative(&self, y: Lanes, level: Lanes, rounder: Lanes) -> Lanes {
        let splat = Lanes::splat;
        let above = y.max(splat(self.least));
        let (n, power) = above.round_and_power(rounder, splat(self.one));
        let f = above - n;
        let mut p = splat(self.series[4]);
        for k in [3, 2, 1, 0] {
            p = p * f + splat(self.series[k]);
        }
        p * (power * level)
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
            assert!((f64::from(each(|x| GELU.of(x), x)) - exact).abs() < 1.7e-4, "{x}");
        }
        assert!(each(|x| GELU.of(x), f32::NAN).is_nan());
    }

    #[test]
    fn powers_are_close_to_their_definition() {
        let of = |y| each(|y| POWER.of_negative(y, Lanes::splat(8191.0), Lanes::rounder()), y);
        for i in 0..1500i16 {
            let y = -f32::from(i) / 100.0;
            let exact = 8191.0 * f64::from(y).exp2();
            assert!((f64::from(of(y)) / exact - 1.0).abs() < 3e-6, "{y}: {} {exact}", of(y));
        }
        assert_eq!((of(0.0).round(), of(-15.0).round(), of(f32::NEG_INFINITY).round()), (8191.0, 0.0, 0.0));
    }

    #[test]
    fn sums_read_every_element() {
        let row: Vec<f32> = (1..=19u8).map(f32::from).collect();
        assert_eq!(sum(&row, |x| x), 190.0);
        assert_eq!(sum(&row[..3], |x| x * x), 14.0);
    }
}
