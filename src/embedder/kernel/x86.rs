//! AVX2 and VNNI, chosen when a layer is packed.

use super::{Dot, LANES, Panel, TILE};
use std::arch::x86_64::*;

/// `vpmaddwd` on weights widened to 16 bits.
pub(super) struct Avx2;
/// `vpmaddubsw`: no pair of products (at most 2 · 127 · 128) leaves 16 bits.
pub(super) struct Avx2Bytes;
/// `vpdpbusd`, AVX-512.
pub(super) struct Avx512Vnni;
/// `vpdpbusd`, AVX-VNNI.
pub(super) struct AvxVnni;

/// `$step` adds one group's products to a sum.
macro_rules! kernel {
    ($name:ident, $activation:ty, $group:literal, $features:literal, $load:expr, $step:expr) => {
        impl Dot for $name {
            type Activation = $activation;

            #[inline(always)]
            fn panel(panel: &mut Panel<$activation>) {
                #[target_feature(enable = $features)]
                fn run(panel: &mut Panel<$activation>) {
                    assert!(panel.is_whole(4));
                    for first in panel.tiles(TILE) {
                        let sums = tile(&panel.rows[first * panel.stride..], panel.stride, panel.weights);
                        panel.store(first, &sums.map(|sums| [sums]));
                    }
                }

                #[inline]
                #[target_feature(enable = $features)]
                fn tile(rows: &[$activation], stride: usize, weights: &[i8]) -> [[i32; LANES]; TILE] {
                    let mut sums = [[_mm256_setzero_si256(); 2]; TILE];
                    let (rows, mut weights) = (rows.as_ptr(), weights.as_ptr());
                    for k in (0..stride).step_by($group) {
                        // Two sums a row hide the latency of adding to one.
                        let lane = k / $group % 2;
                        // SAFETY: `run`'s assertion; each step reads `$group` of `stride` activations a row and
                        // `$group * 8` of `stride * 8` weights.
                        unsafe {
                            let panel = $load(weights);
                            weights = weights.add($group * LANES);
                            for (r, sum) in sums.iter_mut().enumerate() {
                                let group = _mm256_set1_epi32(rows.add(r * stride + k).cast::<i32>().read_unaligned());
                                sum[lane] = $step(sum[lane], group, panel);
                            }
                        }
                    }
                    // SAFETY: both are 256 bits of integers.
                    sums.map(|[a, b]| unsafe { std::mem::transmute::<__m256i, [i32; LANES]>(_mm256_add_epi32(a, b)) })
                }

                // SAFETY: `Kernel::available` found the features on this machine.
                unsafe { run(panel) }
            }
        }
    };
}

kernel!(Avx2, i16, 2, "avx2", |w: *const i8| _mm256_cvtepi8_epi16(_mm_loadu_si128(w.cast())), |sum, group, panel| _mm256_add_epi32(
    sum,
    _mm256_madd_epi16(group, panel)
));
kernel!(Avx2Bytes, u8, 4, "avx2", |w: *const i8| _mm256_loadu_si256(w.cast()), |sum, group, panel| _mm256_add_epi32(
    sum,
    _mm256_madd_epi16(_mm256_maddubs_epi16(group, panel), _mm256_set1_epi16(1))
));
kernel!(Avx512Vnni, u8, 4, "avx2,avx512vnni,avx512vl", |w: *const i8| _mm256_loadu_si256(w.cast()), |sum, group, panel| {
    _mm256_dpbusd_epi32(sum, group, panel)
});
kernel!(AvxVnni, u8, 4, "avx2,avxvnni", |w: *const i8| _mm256_loadu_si256(w.cast()), |sum, group, panel| _mm256_dpbusd_avx_epi32(
    sum, group, panel
));
