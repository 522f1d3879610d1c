//! Rows of any number of files, in whatever order they come, become one log of bounded size.
//!
//! Where there are more rows than may be kept, those stay whose query has the smallest hash: a uniform sample of the
//! prompts, the same for every order of the files, and a part of every larger sample.

use super::outcomes::{Asked, Entry, Log, Row, Split};
use crate::error::{Error, Result};
use crate::random;
use sha2::{Digest, Sha256};
use std::collections::{BinaryHeap, HashMap};

/// What becomes of rows on their way into a log.
#[derive(Clone, Debug)]
pub struct IntakeSettings {
    /// Gives candidates that are logged under several names one name.
    pub renames: HashMap<String, String>,
    /// Rows that are kept at most.
    pub most_rows: usize,
    /// Share of the rows without a declared split that are for evaluation, 0 to 1.
    pub test_share: f64,
    /// MetaLLM's bandit form: of every training row only one outcome is kept, drawn with this seed.
    pub one_outcome: Option<u64>,
}

impl Default for IntakeSettings {
    fn default() -> Self {
        Self { renames: HashMap::new(), most_rows: usize::MAX, test_share: 0.0, one_outcome: None }
    }
}

/// Takes rows in and keeps a sample of them.
#[derive(Debug)]
pub struct Intake {
    settings: IntakeSettings,
    log: Log,
    /// By place in the log, the position among all rows that were taken in.
    positions: Vec<u64>,
    /// Hash, position and place of every row in the log; the row that leaves first is on top.
    ranks: BinaryHeap<(u64, u64, usize)>,
    taken: u64,
}

impl Intake {
    /// # Errors
    /// [`Error::BadInput`] for a share out of range, or where no row may be kept.
    pub fn new(settings: IntakeSettings) -> Result<Self> {
        if !(0.0..=1.0).contains(&settings.test_share) {
            return Err(Error::input("test-share", format!("{} is not a share from 0 to 1", settings.test_share)));
        }
        if settings.most_rows == 0 {
            return Err(Error::input("max-rows", "0 rows teach nothing"));
        }
        Ok(Self { settings, log: Log::default(), positions: vec![], ranks: BinaryHeap::new(), taken: 0 })
    }

    /// Takes in a row that was found at this one-based line of its file.
    ///
    /// # Errors
    /// As [`Log::push`], also for rows that are not kept.
    pub fn take(&mut self, line: usize, mut entry: Entry) -> Result<()> {
        let draws = Draws::of(&entry.query);
        let own = if draws.split() < self.settings.test_share { Split::Test } else { Split::Train };
        let split = *entry.split.get_or_insert(own);
        if let Some(seed) = self.settings.one_outcome.filter(|_| split == Split::Train) {
            keep_one(&mut entry, draws.answer(seed));
        }
        let row = self.log.row(line, entry, &self.settings.renames)?;
        self.keep(row, draws.rank);
        self.taken += 1;
        Ok(())
    }

    fn keep(&mut self, row: Row, hash: u64) {
        let place = self.log.rows.len();
        if place < self.settings.most_rows {
            self.ranks.push((hash, self.taken, place));
            self.positions.push(self.taken);
            self.log.rows.push(row);
            return;
        }
        let Some(mut last) = self.ranks.peek_mut().filter(|last| hash < last.0) else { return };
        let place = last.2;
        *last = (hash, self.taken, place);
        self.positions[place] = self.taken;
        self.log.rows[place] = row;
    }

    /// How many rows were taken in, whether kept or not.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// The log, in the order in which its rows came.
    pub fn finish(self) -> Log {
        let mut rows: Vec<(u64, Row)> = self.positions.into_iter().zip(self.log.rows).collect();
        rows.sort_by_key(|(position, _)| *position);
        Log { candidates: self.log.candidates, rows: rows.into_iter().map(|(_, row)| row).collect() }
    }
}

/// Numbers drawn by a query's hash: equal queries draw alike in every file and on every machine.
pub(crate) struct Draws {
    rank: u64,
    split: u64,
    answer: u64,
    share: u64,
}

impl Draws {
    pub(crate) fn of(query: &str) -> Self {
        let hash = Sha256::digest(query);
        let number = |i: usize| hash[8 * i..8 * i + 8].iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
        Self { rank: number(0), split: number(1), answer: number(2), share: number(3) }
    }

    fn split(&self) -> f64 {
        unit(self.split)
    }

    fn answer(&self, seed: u64) -> f64 {
        unit(random::mix(self.answer ^ random::mix(seed)))
    }

    /// In 0..1: a query that belongs to a share of the rows belongs to all larger shares.
    pub(crate) fn share(&self) -> f64 {
        unit(self.share)
    }
}

fn unit(number: u64) -> f64 {
    (number >> 11) as f64 / (1u64 << 53) as f64
}

/// Forgets all answers but one; every candidate had the same chance.
fn keep_one(entry: &mut Entry, draw: f64) {
    let n = entry.answers.len();
    if n > 0 && entry.asked == Asked::Openly {
        entry.answers.swap(0, (draw * n as f64) as usize);
        entry.answers.truncate(1);
        entry.asked = Asked::Chosen { propensity: Some(1.0 / n as f64) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Outcome;

    fn entry(query: &str) -> Entry {
        let outcome = |score| Outcome { score, usd: 1.0, tokens_out: None };
        let answers = ["a", "b", "c", "d"].iter().zip([0.0, 0.25, 0.5, 1.0]).map(|(name, score)| ((*name).to_owned(), outcome(score)));
        Entry { query: query.into(), answers: answers.collect(), ..Entry::default() }
    }

    fn taken(settings: IntakeSettings, rows: impl Iterator<Item = usize>) -> Log {
        let mut intake = Intake::new(settings).unwrap();
        rows.for_each(|i| intake.take(i + 1, entry(&format!("q{i}"))).unwrap());
        intake.finish()
    }

    fn queries(log: &Log) -> Vec<String> {
        log.rows.iter().map(|row| row.query.clone()).collect()
    }

    #[test]
    fn a_sample_depends_on_no_order_and_is_part_of_a_larger_one() {
        let sample = |most_rows, backwards: bool| {
            let rows: Vec<usize> = if backwards { (0..1000).rev().collect() } else { (0..1000).collect() };
            queries(&taken(IntakeSettings { most_rows, ..IntakeSettings::default() }, rows.into_iter()))
        };
        let (small, large) = (sample(50, false), sample(300, false));
        assert_eq!((small.len(), large.len()), (50, 300));
        assert!(small.iter().all(|query| large.contains(query)));
        assert!(small.is_sorted_by_key(|query| query[1..].parse::<usize>().unwrap()), "rows stay in their order");
        let mut backwards = sample(50, true);
        backwards.reverse();
        assert_eq!(backwards, small);
        // Uniform: a part of all that follows is drawn from both ends of the log.
        let early = large.iter().filter(|query| query[1..].parse::<usize>().unwrap() < 500).count();
        assert!((110..190).contains(&early), "{early}");
        assert_eq!(sample(2000, false).len(), 1000);
    }

    #[test]
    fn one_text_over_and_over_stays_within_bounds() {
        let mut intake = Intake::new(IntakeSettings { most_rows: 3, ..IntakeSettings::default() }).unwrap();
        (0..10).for_each(|i| intake.take(i + 1, entry("same")).unwrap());
        assert_eq!(intake.taken(), 10);
        assert_eq!(intake.finish().rows.len(), 3);
    }

    #[test]
    fn a_share_of_the_rows_that_do_not_say_is_for_evaluation() {
        let settings = IntakeSettings { test_share: 0.25, ..IntakeSettings::default() };
        let log = taken(settings.clone(), 0..2000);
        let test = log.rows.iter().filter(|row| row.split == Split::Test).count();
        assert!((430..570).contains(&test), "{test}");
        let mut intake = Intake::new(settings).unwrap();
        (0..100).for_each(|i| intake.take(i + 1, Entry { split: Some(Split::Train), ..entry(&format!("q{i}")) }).unwrap());
        assert!(intake.finish().rows.iter().all(|row| row.split == Split::Train));
    }

    #[test]
    fn the_bandit_form_keeps_one_outcome_of_training_rows_and_all_of_the_others() {
        let settings = IntakeSettings { test_share: 0.5, one_outcome: Some(1), ..IntakeSettings::default() };
        let log = taken(settings, 0..4000);
        let mut counts = [0; 4];
        for row in &log.rows {
            match row.split {
                Split::Test => assert!(row.outcomes().len() == 4 && row.asked == Asked::Openly),
                Split::Train => {
                    assert_eq!(row.asked, Asked::Chosen { propensity: Some(0.25) });
                    let (candidate, outcome) = row.outcomes().next().unwrap();
                    let score =
                        [("a", 0.0), ("b", 0.25), ("c", 0.5), ("d", 1.0)].iter().find(|(name, _)| *name == log.candidates[candidate]);
                    assert_eq!((row.outcomes().len(), Some(outcome.score)), (1, score.map(|(_, score)| *score)));
                    counts[candidate] += 1;
                }
            }
        }
        assert!(counts.iter().all(|count| (430..570).contains(count)), "{counts:?}");
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let code = |settings| Intake::new(settings).err().map(|e| e.code());
        assert_eq!(code(IntakeSettings { test_share: 1.5, ..IntakeSettings::default() }), Some("BAD_INPUT"));
        assert_eq!(code(IntakeSettings { most_rows: 0, ..IntakeSettings::default() }), Some("BAD_INPUT"));
    }
}
