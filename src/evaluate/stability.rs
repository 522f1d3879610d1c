//! Whether a decision stays when a prompt is edited in ways that do not change what it asks.

use crate::error::Result;
use crate::prompt::edits::{ending, typo};
use crate::random::{Random, STEP};
use rayon::prelude::*;
use serde::Serialize;

/// How often one kind of edit leaves the decision as it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stability {
    /// What was done to the prompts.
    pub edit: String,
    /// Share of decisions that are the same after it; 1 where there are none.
    pub unchanged: f64,
    /// Prompts that the edit changes: the others say nothing.
    pub rows: usize,
}

/// An edit: its name, and what it makes of a prompt. The numbers are for those that happen somewhere.
type Edit = (&'static str, fn(&str, &mut Random) -> String);

const EDITS: [Edit; 6] = [
    ("lower case", |text, _| text.to_lowercase()),
    ("first letter in upper case", |text, _| first_letter(text)),
    ("doubled spaces", |text, _| text.replace(' ', "  ")),
    ("two adjacent letters swapped", typo),
    ("a polite prefix", |text, _| format!("Please answer this: {text}")),
    ("a blank or full stop at the end", |text, _| ending(text)),
];

/// Compares the decision for every text with those for its six edits. `decide` gives a decision's name; `seed` says where
/// typing errors happen.
///
/// # Errors
/// What `decide` fails with.
pub fn stability(texts: &[&str], seed: u64, decide: impl Fn(&str) -> Result<String> + Sync) -> Result<Vec<Stability>> {
    let same = |(i, text): (usize, &&str)| -> Result<Vec<Option<bool>>> {
        let before = decide(text)?;
        let mut random = Random::new(seed.wrapping_add((i as u64).wrapping_mul(STEP)));
        let again = |(_, edit): &Edit| {
            let edited = edit(text, &mut random);
            if edited == **text { Ok(None) } else { Ok(Some(decide(&edited)? == before)) }
        };
        EDITS.iter().map(again).collect()
    };
    let same: Vec<Vec<Option<bool>>> = texts.par_iter().enumerate().map(same).collect::<Result<_>>()?;
    let of = |(at, (name, _)): (usize, &Edit)| {
        let known: Vec<bool> = same.iter().filter_map(|row| row[at]).collect();
        let changed = known.iter().filter(|same| !**same).count();
        let unchanged = 1.0 - changed as f64 / known.len().max(1) as f64;
        Stability { edit: (*name).into(), unchanged, rows: known.len() }
    };
    Ok(EDITS.iter().enumerate().map(of).collect())
}

fn first_letter(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str) -> Vec<String> {
        EDITS.iter().map(|(_, edit)| edit(text, &mut Random::new(1))).collect()
    }

    #[test]
    fn edits_do_what_they_are_called() {
        let all = edited("why IS it so");
        assert_eq!([&*all[0], &*all[1], &*all[2]], ["why is it so", "Why IS it so", "why  IS  it  so"]);
        assert_eq!([&*all[4], &*all[5]], ["Please answer this: why IS it so", "why IS it so."]);
        assert_eq!(edited("Stop.")[5], "Stop. ");
        let differing = all[3].chars().zip("why IS it so".chars()).filter(|(a, b)| a != b).count();
        assert!(differing == 2 && all[3].len() == 12, "{}", all[3]);
        assert_eq!(edited("1 + 1")[3], "1 + 1", "nothing to swap");
        assert_eq!(edited("")[1], "");
    }

    #[test]
    fn only_texts_that_an_edit_changes_are_counted() {
        // Decides by whether there is a capital letter.
        let decide = |text: &str| Ok(text.chars().any(char::is_uppercase).to_string());
        let found = stability(&["Ask me", "ask me", "all of it", "1 + 1"], 0, decide).unwrap();
        let figures: Vec<(f64, usize)> = found.iter().map(|s| (s.unchanged, s.rows)).collect();
        // Lower case changes the first text and its decision; a first letter the two that begin small; a prefix has a P.
        assert_eq!(figures, [(0.0, 1), (0.0, 2), (1.0, 4), (1.0, 3), (0.25, 4), (1.0, 4)]);
    }

    #[test]
    fn the_same_seed_makes_the_same_typing_errors() {
        let decide = |text: &str| Ok(text.to_owned());
        let texts: Vec<String> = (0..20).map(|i| format!("some words of number {i}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert_eq!(stability(&texts, 3, decide).unwrap(), stability(&texts, 3, decide).unwrap());
        let failing = |_: &str| Err(crate::error::Error::input("prompt", "bad"));
        assert_eq!(stability(&texts, 3, failing).unwrap_err().code(), "BAD_INPUT");
    }
}
