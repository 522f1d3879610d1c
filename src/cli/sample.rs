//! The prompts that are embedded with small edits in them as well: the same ones in whatever order a log is read.

use super::cache::{Key, key, number};
use pointsman::prompt::edits::slips;
use std::collections::BTreeMap;

/// More prompts than these say the same.
const MOST: usize = 1000;

/// Texts of the least keys, each with what belongs to it: drawn uniformly, since keys are hashes.
pub struct Sample<T>(BTreeMap<Key, (String, T)>);

impl<T> Sample<T> {
    pub fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes a text, unless it is there or others come first.
    pub fn offer(&mut self, text: &str, its: T) {
        let key = key(text);
        if self.0.len() == MOST && self.0.last_key_value().is_some_and(|(last, _)| key >= *last) {
            return;
        }
        self.0.entry(key).or_insert_with(|| (text.to_owned(), its));
        if self.0.len() > MOST {
            self.0.pop_last();
        }
    }

    /// Every text with a small edit in it that is not read past.
    pub fn edited(&self) -> impl Iterator<Item = (String, &T)> {
        self.0.iter().flat_map(|(own, (text, its))| {
            slips(text, number(own)).into_iter().filter(move |edited| key(edited) != *own).map(move |edited| (edited, its))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_texts_does_not_matter() {
        let texts: Vec<String> = (0..3000).map(|i| format!("text of number {i}")).collect();
        let sample = |texts: &mut dyn Iterator<Item = &String>| {
            let mut sample = Sample::new();
            texts.for_each(|text| sample.offer(text, ()));
            sample.edited().map(|(edited, ())| edited).collect::<Vec<_>>()
        };
        let edited = sample(&mut texts.iter());
        assert!(edited.len() == 2 * MOST && edited.iter().all(|text| !texts.contains(text)));
        assert_eq!(sample(&mut texts.iter().rev().chain(&texts)), edited);
    }

    #[test]
    fn what_is_read_alike_is_no_edit() {
        let mut sample = Sample::new();
        sample.offer("1 + 1.", 7);
        assert_eq!(sample.edited().count(), 0, "no letters to swap, and a stop is there");
        sample.offer("one", 8);
        assert_eq!(sample.edited().map(|(_, its)| *its).collect::<Vec<i32>>(), [8, 8]);
    }
}
