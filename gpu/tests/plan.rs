//! Promise: whatever bytes come as a plan, they are read, or refused with a code that tells what to do.

mod support;

use pointsman_gpu::plan::Plan;
use support::{Rng, bits, plan};

/// A norm of four, and its pool.
fn sound() -> Vec<u8> {
    let op: Vec<u32> = [3, 1, 0, 4, 1e-12f32.to_bits()].into_iter().chain(bits(&[1.0; 8])).collect();
    plan(4, &op, 4, false)
}

fn word(bytes: &[u8], at: usize, value: u32) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[4 * at..4 * at + 4].copy_from_slice(&value.to_le_bytes());
    changed
}

#[test]
fn what_is_damaged_is_refused() {
    let sound = sound();
    assert!(Plan::parse(&sound).is_ok());
    for (what, damaged) in [
        ("magic", word(&sound, 0, 7)),
        ("version", word(&sound, 1, 2)),
        ("no width", word(&sound, 2, 0)),
        ("a width that is no multiple of four", word(&sound, 2, 6)),
        ("no ops", word(&sound, 3, 0)),
        ("more ops than there are", word(&sound, 3, 3)),
        ("ops without end", word(&sound, 3, u32::MAX)),
        ("an unknown kind", word(&sound, 4, 9)),
        ("no inputs", word(&sound, 5, 0)),
        ("inputs without end", word(&sound, 5, u32::MAX)),
        ("an op that reads itself", word(&sound, 6, 1)),
        ("a norm of another width", word(&sound, 7, 8)),
        ("an epsilon that is no number", word(&sound, 8, f32::NAN.to_bits())),
        ("a gain without bound", word(&sound, 9, f32::INFINITY.to_bits())),
        ("a pool of another width", word(&sound, 20, 8)),
        ("a pooling that is neither", word(&sound, 21, 2)),
        ("half a word more", [&sound[..], &[0, 0]].concat()),
        ("a word more", [&sound[..], &[0; 4]].concat()),
        ("nothing", vec![]),
    ] {
        assert_eq!(Plan::parse(&damaged).unwrap_err().code(), "BAD_PLAN", "{what}");
    }
    for end in 0..sound.len() {
        assert!(Plan::parse(&sound[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn a_vector_too_wide_for_the_kernel_says_so() {
    assert_eq!(Plan::parse(&plan(4096, &[], 4096, false)).unwrap_err().code(), "TOO_LARGE");
}

#[test]
fn an_attention_or_a_linear_layer_that_does_not_fit_is_refused() {
    let attention = |heads: u32, width: u32, scale: f32| plan(24, &[2, 1, 0, heads, width, scale.to_bits()], 8, false);
    assert!(Plan::parse(&attention(2, 4, 0.5)).is_ok());
    for damaged in [attention(0, 4, 0.5), attention(2, 0, 0.5), attention(u32::MAX, 4, 0.5), attention(4, 2, 0.5), attention(2, 4, -1.0)] {
        assert_eq!(Plan::parse(&damaged).unwrap_err().code(), "BAD_PLAN");
    }
    let linear =
        |inputs: u32, outputs: u32, bits: u32| plan(4, &[&[1, 1, 0, inputs, outputs, bits, 0, 0], &[0; 16][..]].concat(), 4, false);
    assert!(Plan::parse(&linear(4, 4, 7)).is_ok());
    for damaged in [linear(8, 4, 7), linear(4, 0, 7), linear(4, 4, 8), linear(4, u32::MAX - 3, 7)] {
        assert_eq!(Plan::parse(&damaged).unwrap_err().code(), "BAD_PLAN");
    }
}

#[test]
fn random_words_are_read_or_refused() {
    let (sound, mut rng) = (sound(), Rng(1));
    for _ in 0..20_000 {
        let mut bytes = sound.clone();
        for _ in 0..=rng.below(3) {
            let (at, value) = (rng.below(bytes.len() / 4), rng.next() as u32 >> rng.below(32));
            bytes = word(&bytes, at, value);
        }
        // Nothing may panic; what is read must be sound.
        if let Ok(plan) = Plan::parse(&bytes) {
            assert_eq!(plan.widths().len(), plan.ops.len() + 1);
        }
    }
}
