//! A few rows of eight columns, column by column: what packing weights is made of. An engine runs new code unoptimised,
//! one instruction after the other; sixteen bytes at a time, it has a tenth of them when it starts cold.

use super::LANES;

/// [rows][8] to [8][rows], of int8 bits.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline(always)]
pub(super) fn turn<const G: usize>(rows: [[u8; LANES]; G], out: &mut [[i8; G]; LANES]) {
    for (column, cell) in out.iter_mut().enumerate() {
        *cell = rows.map(|row| row[column].cast_signed());
    }
}

/// [rows][8] to [8][rows], of int8 bits, for two and for four rows.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
pub(super) fn turn<const G: usize>(rows: [[u8; LANES]; G], out: &mut [[i8; G]; LANES]) {
    use core::arch::wasm32::{i8x16_shuffle, i16x8_shuffle, u64x2, u64x2_extract_lane, v128};
    let row = |n: usize| u64x2(u64::from_le_bytes(rows[n]), 0);
    let pairs = |a, b| i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(a, b);
    let write = |out: &mut [i8], x: v128| {
        for (eight, lane) in out.as_chunks_mut::<8>().0.iter_mut().zip([u64x2_extract_lane::<0>(x), u64x2_extract_lane::<1>(x)]) {
            *eight = lane.to_le_bytes().map(u8::cast_signed);
        }
    };
    let first = pairs(row(0), row(1));
    let out = out.as_flattened_mut();
    if G == 2 {
        write(out, first);
    } else {
        let second = pairs(row(2), row(3));
        let (low, high) = out.split_at_mut(16);
        write(low, i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(first, second));
        write(high, i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(first, second));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const G: usize>() {
        let rows: [[u8; LANES]; G] = std::array::from_fn(|row| std::array::from_fn(|column| (100 * row + 7 * column) as u8));
        let mut out = [[0; G]; LANES];
        turn(rows, &mut out);
        for (column, cell) in out.iter().enumerate() {
            assert_eq!(cell.map(i8::cast_unsigned), rows.map(|row| row[column]));
        }
    }

    #[test]
    fn columns_become_rows() {
        check::<2>();
        check::<4>();
    }
}
