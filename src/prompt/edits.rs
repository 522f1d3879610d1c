//! Small edits that do not change what is asked: decisions should survive them.

use crate::random::{Random, STEP};

/// A text with a typing error in it, and with another ending. The seed says where the error is; a text of no letters has none.
pub fn slips(text: &str, seed: u64) -> [String; 2] {
    [typo(text, &mut Random::new(seed.wrapping_mul(STEP))), ending(text)]
}

/// Swaps two letters that are neighbours and differ, somewhere.
pub(crate) fn typo(text: &str, random: &mut Random) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let swappable = |i: &usize| letters[*i] != letters[i + 1] && letters[*i].is_alphabetic() && letters[i + 1].is_alphabetic();
    let places: Vec<usize> = (0..letters.len().saturating_sub(1)).filter(swappable).collect();
    if places.is_empty() {
        return text.into();
    }
    let place = places[(random.unit() * places.len() as f64) as usize];
    letters.swap(place, place + 1);
    letters.into_iter().collect()
}

/// A full stop more, or, where there is one already, a blank.
pub(crate) fn ending(text: &str) -> String {
    if text.ends_with('.') { format!("{text} ") } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_small_and_the_same_for_the_same_seed() {
        let [typo, ended] = slips("why is it so", 3);
        let differing = typo.chars().zip("why is it so".chars()).filter(|(a, b)| a != b).count();
        assert!(differing == 2 && typo.len() == 12, "{typo}");
        assert_eq!([&*ended, &*slips("Stop.", 0)[1], &*slips("1 + 1", 0)[0], &*slips("", 0)[0]], ["why is it so.", "Stop. ", "1 + 1", ""]);
        assert_eq!(slips("why is it so", 3)[0], typo);
        assert!((0..9).any(|seed| slips("why is it so", seed)[0] != typo));
    }
}
