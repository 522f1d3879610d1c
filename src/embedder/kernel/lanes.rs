//! Eight numbers at a time, in IEEE f32: each operation gives the same bits on every target.

use std::ops::{Add, Div, Mul, Sub};

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use simd128 as inner;

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use portable as inner;

/// Lanes of every sum.
pub(in crate::embedder) const LANES: usize = 8;

/// 1.5 · 2^23: added to a number below 2^22 in magnitude, it leaves the nearest integer (ties to even) in the low bits.
const ROUND: f32 = 12_582_912.0;

/// Eight numbers.
#[derive(Clone, Copy)]
pub(in crate::embedder) struct Lanes(inner::Eight);

/// Σ a b over the rows' whole eights, lane by lane, and over what is left at their end.
#[inline(always)]
pub(in crate::embedder) fn products(a: &[f32], b: &[f32]) -> (Lanes, f32) {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks(), b.as_chunks());
    let whole = a.iter().zip(b).fold(Lanes::splat(0.0), |sum, (a, b)| sum + Lanes::load(a) * Lanes::load(b));
    (whole, a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum())
}

/// Scalar product whose lanes are added one after the other: what heads were trained on.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (whole, rest) = products(a, b);
    let mut lanes = [0.0; LANES];
    whole.store(&mut lanes);
    lanes.iter().sum::<f32>() + rest
}

macro_rules! operator {
    ($operator:ident, $method:ident) => {
        impl $operator for Lanes {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(inner::$method(self.0, other.0))
            }
        }
    };
}

operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl Lanes {
    #[inline(always)]
    pub(in crate::embedder) fn splat(x: f32) -> Self {
        Self(inner::splat(x))
    }

    #[inline(always)]
    pub(in crate::embedder) fn load(x: &[f32; LANES]) -> Self {
        Self(inner::load(x))
    }

    #[inline(always)]
    pub(in crate::embedder) fn store(self, out: &mut [f32; LANES]) {
        inner::store(self.0, out);
    }

    /// The first so many, or all where there are no more. Eights go a way of their own: a copy of any length is a call, which
    /// takes longer than the arithmetic.
    #[inline(always)]
    pub(in crate::embedder) fn store_first(self, count: usize, out: &mut [f32]) {
        match out.first_chunk_mut() {
            Some(eight) if count >= LANES => self.store(eight),
            _ => {
                let mut eight = [0.0; LANES];
                self.store(&mut eight);
                out[..count].copy_from_slice(&eight[..count]);
            }
        }
    }

    #[inline(always)]
    pub(in crate::embedder) fn from_integers(x: &[i32; LANES]) -> Self {
        Self(inner::from_integers(x))
    }

    /// The smaller; the other where one of them is not a number is not specified by IEEE: here, `other`.
    #[inline(always)]
    pub(in crate::embedder) fn min(self, other: Self) -> Self {
        Self(inner::min(self.0, other.0))
    }

    /// The larger; `other` where one of them is not a number.
    #[inline(always)]
    pub(in crate::embedder) fn max(self, other: Self) -> Self {
        Self(inner::max(self.0, other.0))
    }

    /// The nearest integer of a number below 2^22 in magnitude, and 2 to its power if that is a normal number. Wants
    /// [`Self::rounder`] and ones.
    #[inline(always)]
    pub(in crate::embedder) fn round_and_power(self, rounder: Self, one: Self) -> (Self, Self) {
        let shifted = self + rounder;
        (shifted - rounder, Self(inner::power_of_low_bits(shifted.0, one.0)))
    }

    /// What rounds, for the functions that want it. From memory: a loop keeps it in a register.
    #[inline(always)]
    pub(in crate::embedder) fn rounder() -> Self {
        Self::splat(std::hint::black_box(ROUND))
    }

    /// The nearest integers of numbers in 0..=127.
    #[inline(always)]
    pub(super) fn to_u8(self, rounder: Self) -> [u8; LANES] {
        inner::low_u8((self + rounder).0, rounder.0)
    }

    /// The nearest integers of numbers in -2^15..2^15.
    #[inline(always)]
    pub(in crate::embedder) fn to_i16(self, rounder: Self) -> [i16; LANES] {
        self.rounded(rounder).1
    }

    /// The same, as numbers too.
    #[inline(always)]
    pub(in crate::embedder) fn rounded(self, rounder: Self) -> (Self, [i16; LANES]) {
        let shifted = self + rounder;
        (shifted - rounder, inner::low_i16(shifted.0, rounder.0))
    }

    /// Adds the lanes, always in the same tree.
    #[inline(always)]
    pub(in crate::embedder) fn sum(self) -> f32 {
        let mut x = [0.0; LANES];
        self.store(&mut x);
        ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]))
    }

    /// The largest lane; of two zeros, either.
    #[inline(always)]
    pub(in crate::embedder) fn largest(self) -> f32 {
        inner::fold(self.0, inner::max)
    }

    /// The smallest lane; of two zeros, either.
    #[inline(always)]
    pub(in crate::embedder) fn smallest(self) -> f32 {
        inner::fold(self.0, inner::min)
    }
}

/// Plain arrays: what the vectors must equal.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod portable {
    use super::LANES;
    use std::array::from_fn;

    pub(super) type Eight = [f32; LANES];

    macro_rules! each {
        ($name:ident, |$a:ident, $b:ident| $result:expr) => {
            #[inline(always)]
            pub(super) fn $name(a: Eight, b: Eight) -> Eight {
                from_fn(|i| {
                    let ($a, $b) = (a[i], b[i]);
                    $result
                })
            }
        };
    }

    each!(add, |a, b| a + b);
    each!(sub, |a, b| a - b);
    each!(mul, |a, b| a * b);
    each!(div, |a, b| a / b);
    each!(min, |a, b| if a < b { a } else { b });
    each!(max, |a, b| if a > b { a } else { b });

    #[inline(always)]
    pub(super) fn splat(x: f32) -> Eight {
        [x; LANES]
    }

    #[inline(always)]
    pub(super) fn load(x: &[f32; LANES]) -> Eight {
        *x
    }

    #[inline(always)]
    pub(super) fn store(x: Eight, out: &mut [f32; LANES]) {
        *out = x;
    }

    #[inline(always)]
    pub(super) fn from_integers(x: &[i32; LANES]) -> Eight {
        from_fn(|i| x[i] as f32)
    }

    /// One lane of all, folded in a tree.
    #[inline(always)]
    pub(super) fn fold(x: Eight, f: impl Fn(Eight, Eight) -> Eight) -> f32 {
        let x = f(x, from_fn(|i| x[i ^ 4]));
        let x = f(x, from_fn(|i| x[i ^ 2]));
        f(x, from_fn(|i| x[i ^ 1]))[0]
    }

    #[inline(always)]
    pub(super) fn power_of_low_bits(x: Eight, one: Eight) -> Eight {
        from_fn(|i| f32::from_bits((x[i].to_bits() << 23).wrapping_add(one[i].to_bits())))
    }

    #[inline(always)]
    pub(super) fn low_u8(x: Eight, _: Eight) -> [u8; LANES] {
        from_fn(|i| x[i].to_bits() as u8)
    }

    #[inline(always)]
    pub(super) fn low_i16(x: Eight, _: Eight) -> [i16; LANES] {
        from_fn(|i| x[i].to_bits() as i16)
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128 {
    use super::LANES;
    use std::arch::wasm32::*;

    pub(super) type Eight = [v128; 2];

    macro_rules! each {
        ($name:ident, $instruction:expr) => {
            #[inline(always)]
            pub(super) fn $name(a: Eight, b: Eight) -> Eight {
                [$instruction(a[0], b[0]), $instruction(a[1], b[1])]
            }
        };
    }

    each!(add, f32x4_add);
    each!(sub, f32x4_sub);
    each!(mul, f32x4_mul);
    each!(div, f32x4_div);
    // b < a ? b : a with the operands exchanged: `a` wins only where it is truly smaller (larger).
    each!(min, |a, b| f32x4_pmin(b, a));
    each!(max, |a, b| f32x4_pmax(b, a));

    #[inline(always)]
    pub(super) fn splat(x: f32) -> Eight {
        [f32x4_splat(x); 2]
    }

    #[inline(always)]
    pub(super) fn load(x: &[f32; LANES]) -> Eight {
        let x = x.as_ptr();
        // SAFETY: eight numbers are two vectors.
        unsafe { [v128_load(x.cast()), v128_load(x.add(4).cast())] }
    }

    #[inline(always)]
    pub(super) fn store(x: Eight, out: &mut [f32; LANES]) {
        let out = out.as_mut_ptr();
        // SAFETY: as above.
        unsafe {
            v128_store(out.cast(), x[0]);
            v128_store(out.add(4).cast(), x[1]);
        }
    }

    #[inline(always)]
    pub(super) fn from_integers(x: &[i32; LANES]) -> Eight {
        let x = x.as_ptr();
        // SAFETY: as above.
        unsafe { [v128_load(x.cast()), v128_load(x.add(4).cast())] }.map(|four| f32x4_convert_i32x4(four))
    }

    /// One lane of all, folded in a tree, without a branch: which lane it is, no processor can guess.
    #[inline(always)]
    pub(super) fn fold(x: Eight, f: impl Fn(Eight, Eight) -> Eight) -> f32 {
        let x = f(x, [x[1], x[0]]);
        let x = f(x, x.map(|four| i32x4_shuffle::<2, 3, 0, 1>(four, four)));
        f32x4_extract_lane::<0>(f(x, x.map(|four| i32x4_shuffle::<1, 0, 3, 2>(four, four)))[0])
    }

    #[inline(always)]
    pub(super) fn power_of_low_bits(x: Eight, one: Eight) -> Eight {
        [i32x4_add(i32x4_shl(x[0], 23), one[0]), i32x4_add(i32x4_shl(x[1], 23), one[1])]
    }

    /// The low bits without those of the rounder, as 16-bit integers.
    #[inline(always)]
    fn low(x: Eight, rounder: Eight) -> v128 {
        i16x8_narrow_i32x4(i32x4_sub(x[0], rounder[0]), i32x4_sub(x[1], rounder[1]))
    }

    #[inline(always)]
    pub(super) fn low_u8(x: Eight, rounder: Eight) -> [u8; LANES] {
        let low = low(x, rounder);
        // Up to 127, signed and unsigned are one; the signed form is the shorter.
        i64x2_extract_lane::<0>(i8x16_narrow_i16x8(low, low)).to_le_bytes()
    }

    #[inline(always)]
    pub(super) fn low_i16(x: Eight, rounder: Eight) -> [i16; LANES] {
        let mut out = [0; LANES];
        // SAFETY: eight 16-bit integers are one vector.
        unsafe { v128_store(out.as_mut_ptr().cast(), low(x, rounder)) };
        out
    }
}
