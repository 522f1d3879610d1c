//! Sums of products of 16-bit integers, eight columns at a time: exact, so that their order is of no importance.

use super::{LANES, Lanes};

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use simd128 as inner;

#[cfg(target_arch = "x86_64")]
use sse2 as inner;

#[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
use portable as inner;

/// Two terms that follow each other.
pub(in crate::embedder) type Pair = [i16; 2];

/// The same two terms of eight columns.
pub(in crate::embedder) type Pairs = [Pair; LANES];

/// The largest level of two factors whose products, so many of them, 32 bits can sum: 14 bits at most.
pub(in crate::embedder) fn most_level(terms: usize) -> u16 {
    (i32::MAX.unsigned_abs() as usize / terms.max(1)).isqrt().min(8191) as u16
}

/// Σ row · column over the pairs, of so many rows at a time.
#[inline(always)]
pub(in crate::embedder) fn products<const ROWS: usize>(rows: [&[Pair]; ROWS], columns: &[Pairs]) -> [Lanes; ROWS] {
    let mut sums = [inner::ZERO; ROWS];
    let rows = rows.map(|row| &row[..columns.len()]);
    for (i, eight) in columns.iter().enumerate() {
        let eight = inner::load(eight);
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = inner::add(*sum, &row[i], eight);
        }
    }
    sums.map(|sum| Lanes::from_integers(&inner::integers(sum)))
}

/// Two rows of eight, column by column.
#[inline(always)]
pub(in crate::embedder) fn side_by_side(first: [i16; LANES], second: [i16; LANES]) -> Pairs {
    inner::side_by_side(&first, &second)
}

/// Plain arrays: what the vectors must equal.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "only tests sum with them there"))]
mod portable {
    use super::{LANES, Pair, Pairs};

    pub(super) const ZERO: [i32; LANES] = [0; LANES];

    #[inline(always)]
    pub(super) fn load(columns: &Pairs) -> Pairs {
        *columns
    }

    #[inline(always)]
    pub(super) fn add(sum: [i32; LANES], row: &Pair, columns: Pairs) -> [i32; LANES] {
        let product = |a: i16, b: i16| i32::from(a) * i32::from(b);
        std::array::from_fn(|i| sum[i] + (product(row[0], columns[i][0]) + product(row[1], columns[i][1])))
    }

    #[inline(always)]
    pub(super) fn integers(sum: [i32; LANES]) -> [i32; LANES] {
        sum
    }

    #[inline(always)]
    pub(super) fn side_by_side(first: &[i16; LANES], second: &[i16; LANES]) -> Pairs {
        std::array::from_fn(|i| [first[i], second[i]])
    }
}

/// `pmaddwd`, which every such machine has.
#[cfg(target_arch = "x86_64")]
mod sse2 {
    pub(super) use super::portable::side_by_side;
    use super::{LANES, Pair, Pairs};
    use std::arch::x86_64::{__m128i, _mm_add_epi32, _mm_loadu_si128, _mm_madd_epi16, _mm_set1_epi32, _mm_storeu_si128};

    // SAFETY: all bits of a vector may be zero.
    pub(super) const ZERO: [__m128i; 2] = unsafe { std::mem::zeroed() };

    #[inline(always)]
    pub(super) fn load(columns: &Pairs) -> [__m128i; 2] {
        let columns = columns.as_ptr();
        // SAFETY: eight pairs of 16 bits are two vectors.
        unsafe { [_mm_loadu_si128(columns.cast()), _mm_loadu_si128(columns.add(LANES / 2).cast())] }
    }

    #[inline(always)]
    pub(super) fn add(sum: [__m128i; 2], row: &Pair, columns: [__m128i; 2]) -> [__m128i; 2] {
        let both = i32::from(row[0]) & 0xffff | i32::from(row[1]) << 16;
        // SAFETY: x86-64 has SSE2.
        unsafe {
            let row = _mm_set1_epi32(both);
            [0, 1].map(|half| _mm_add_epi32(sum[half], _mm_madd_epi16(row, columns[half])))
        }
    }

    #[inline(always)]
    pub(super) fn integers(sum: [__m128i; 2]) -> [i32; LANES] {
        let mut out = [0; LANES];
        // SAFETY: `out` holds two vectors.
        unsafe {
            _mm_storeu_si128(out.as_mut_ptr().cast(), sum[0]);
            _mm_storeu_si128(out.as_mut_ptr().add(4).cast(), sum[1]);
        }
        out
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128 {
    use super::{LANES, Pair, Pairs};
    use std::arch::wasm32::*;

    pub(super) const ZERO: [v128; 2] = [i32x4(0, 0, 0, 0); 2];

    #[inline(always)]
    pub(super) fn load(columns: &Pairs) -> [v128; 2] {
        let columns = columns.as_ptr();
        // SAFETY: eight pairs of 16 bits are two vectors.
        unsafe { [v128_load(columns.cast()), v128_load(columns.add(LANES / 2).cast())] }
    }

    #[inline(always)]
    pub(super) fn add(sum: [v128; 2], row: &Pair, columns: [v128; 2]) -> [v128; 2] {
        // SAFETY: a pair is 32 bits.
        let row = unsafe { v128_load32_splat(row.as_ptr().cast()) };
        [0, 1].map(|half| i32x4_add(sum[half], i32x4_dot_i16x8(row, columns[half])))
    }

    #[inline(always)]
    pub(super) fn integers(sum: [v128; 2]) -> [i32; LANES] {
        super::super::simd128::store(sum)
    }

    #[inline(always)]
    pub(super) fn side_by_side(first: &[i16; LANES], second: &[i16; LANES]) -> Pairs {
        let mut out = Pairs::default();
        let to = out.as_mut_ptr();
        // SAFETY: eight integers of 16 bits are one vector, eight pairs of them two.
        unsafe {
            let (first, second) = (v128_load(first.as_ptr().cast()), v128_load(second.as_ptr().cast()));
            v128_store(to.cast(), i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(first, second));
            v128_store(to.add(LANES / 2).cast(), i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(first, second));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_long_hand() {
        let number = |i: usize| ((i * 7919) % 16_383) as i16 - 8191;
        let columns: Vec<Pairs> = (0..5).map(|p| std::array::from_fn(|c| [number(p * 16 + c), number(p * 16 + c + 8)])).collect();
        let row: Vec<Pair> = (0..5).map(|p| [number(p + 99), number(p + 999)]).collect();
        let [sums] = products([&row], &columns);
        let mut out = [0.0; LANES];
        sums.store(&mut out);
        for (c, sum) in out.iter().enumerate() {
            let terms = row.iter().zip(&columns).flat_map(|(row, columns)| [(row[0], columns[c][0]), (row[1], columns[c][1])]);
            assert_eq!(*sum, terms.map(|(a, b)| i32::from(a) * i32::from(b)).sum::<i32>() as f32);
            let plain = row.iter().zip(&columns).fold(portable::ZERO, |sum, (row, columns)| portable::add(sum, row, *columns));
            assert_eq!(*sum, plain[c] as f32);
        }
    }

    #[test]
    fn the_most_products_fit() {
        for terms in [1, 2, 31, 32, 33, 64, 256, 512, 4096] {
            let most = u64::from(most_level(terms));
            assert!(most * most * (terms as u64) <= i32::MAX.unsigned_abs().into(), "{terms}");
        }
        assert_eq!((most_level(32), most_level(512)), (8191, 2047));
    }
}
