//! Outcome logs: one prompt a row, with the score and cost of each candidate that answered it.

use crate::error::{Error, Result};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::collections::HashMap;
use std::io::BufRead;

/// Which side of the data a row is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// May be learned from.
    Train,
    /// Is only for evaluation.
    Test,
}

/// What one candidate made of one prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// 0 to 1.
    pub score: f64,
    /// US dollars.
    pub usd: f64,
    /// Length of the answer in tokens, where the log says so.
    pub tokens_out: Option<f64>,
}

/// How it came that a row holds the outcomes that it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Asked {
    /// These candidates were asked, whatever the prompt.
    #[default]
    Openly,
    /// A decision chose one candidate for this prompt, and only that one was asked.
    Chosen {
        /// Probability with which it was chosen, above 0 and up to 1, where the log says so.
        propensity: Option<f64>,
    },
}

/// A row as a reader of some format finds it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// The text that a router sees.
    pub query: String,
    /// Data set it belongs to; may be empty.
    pub dataset: String,
    /// Label of its kind, for analysis; may be empty.
    pub task: String,
    /// Where the log says so.
    pub split: Option<Split>,
    /// Every candidate that answered, by its id.
    pub answers: Vec<(String, Outcome)>,
    /// Who chose them.
    pub asked: Asked,
}

/// One prompt and its outcomes.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The text that a router sees.
    pub query: String,
    /// Data set it belongs to.
    pub dataset: String,
    /// Label of its kind, for analysis: a router never sees it. Empty where the log has none.
    pub task: String,
    /// Train where the log does not say.
    pub split: Split,
    /// Who chose the candidates that answered.
    pub asked: Asked,
    /// By rising position of the candidate in [`Log::candidates`].
    outcomes: Box<[(u32, Outcome)]>,
}

impl Row {
    /// The outcome of a candidate, if it answered this prompt.
    pub fn outcome(&self, candidate: usize) -> Option<Outcome> {
        let at = self.outcomes.binary_search_by_key(&candidate, |(c, _)| *c as usize);
        at.ok().map(|i| self.outcomes[i].1)
    }

    /// The candidates that answered this prompt, by position, and what they made of it.
    pub fn outcomes(&self) -> impl ExactSizeIterator<Item = (usize, Outcome)> + '_ {
        self.outcomes.iter().map(|(candidate, outcome)| (*candidate as usize, *outcome))
    }
}

/// Rows of any number of files over one common list of candidates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// Ids in the order of first appearance.
    pub candidates: Vec<String>,
    /// All rows.
    pub rows: Vec<Row>,
}

impl Log {
    /// Appends the rows of a JSON-lines file. `renames` gives candidates that are logged under several names one name.
    ///
    /// # Errors
    /// [`Error::BadLog`] names the first line that cannot be used, [`Error::Io`] a failed read.
    pub fn read(&mut self, lines: impl BufRead, renames: &HashMap<String, String>) -> Result<()> {
        for (i, line) in lines.lines().enumerate() {
            let line = line.map_err(|source| Error::Io { what: format!("outcome log, line {}", i + 1), source })?;
            if !line.trim().is_empty() {
                self.push(i + 1, Entry::from_json(i + 1, &line)?, renames)?;
            }
        }
        Ok(())
    }

    /// Appends a row that was found at this one-based line.
    ///
    /// # Errors
    /// [`Error::BadLog`] for a row without a query or outcomes, a number out of range, or a candidate that appears twice.
    pub fn push(&mut self, line: usize, entry: Entry, renames: &HashMap<String, String>) -> Result<()> {
        let row = self.row(line, entry, renames)?;
        self.rows.push(row);
        Ok(())
    }

    /// Checks an entry and makes it a row, which is not appended. Candidates that are new get their position.
    pub(super) fn row(&mut self, line: usize, mut entry: Entry, renames: &HashMap<String, String>) -> Result<Row> {
        let bad = |problem: String| Err(Error::BadLog { line, problem });
        if let Err(problem) = entry.check() {
            return bad(problem);
        }
        let mut outcomes: Vec<(u32, Outcome)> = Vec::with_capacity(entry.answers.len());
        for (name, outcome) in std::mem::take(&mut entry.answers) {
            let at = self.intern(renames.get(&name).unwrap_or(&name)) as u32;
            match outcomes.binary_search_by_key(&at, |(candidate, _)| *candidate) {
                Ok(_) => return bad(format!("candidate {:?} appears twice", self.candidates[at as usize])),
                Err(place) => outcomes.insert(place, (at, outcome)),
            }
        }
        let split = entry.split.unwrap_or(Split::Train);
        let Entry { query, dataset, task, asked, .. } = entry;
        Ok(Row { query, dataset, task, split, asked, outcomes: outcomes.into() })
    }

    /// Position of a candidate by its id.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.candidates.iter().position(|c| c == id)
    }

    fn intern(&mut self, id: &str) -> usize {
        self.position(id).unwrap_or_else(|| {
            self.candidates.push(id.into());
            self.candidates.len() - 1
        })
    }
}

#[derive(Deserialize)]
struct Line {
    query: String,
    #[serde(default)]
    dataset: String,
    #[serde(default)]
    task: serde_json::Value,
    #[serde(default)]
    split: Option<Split>,
    #[serde(deserialize_with = "pairs")]
    scores: Vec<(String, serde_json::Value)>,
    costs: HashMap<String, Option<f64>>,
    #[serde(default)]
    tok_out: HashMap<String, Option<f64>>,
}

impl Entry {
    /// A line of our own format: an object with `query`, `scores`, `costs` and optionally `split`, `dataset`, `tok_out`.
    ///
    /// # Errors
    /// [`Error::BadLog`] names what is missing or malformed.
    pub fn from_json(line: usize, text: &str) -> Result<Self> {
        let parsed: Result<Line, _> = serde_json::from_str(text);
        parsed.map_err(|e| in_words(&e)).and_then(Line::entry).map_err(|problem| Error::BadLog { line, problem })
    }

    /// The same, from a value that is parsed already.
    ///
    /// # Errors
    /// As [`Entry::from_json`].
    pub fn from_value(line: usize, value: serde_json::Value) -> Result<Self> {
        let parsed: Result<Line, _> = serde_json::from_value(value);
        parsed.map_err(|e| e.to_string()).and_then(Line::entry).map_err(|problem| Error::BadLog { line, problem })
    }

    fn check(&self) -> Result<(), String> {
        if self.query.trim().is_empty() {
            return Err("its query is empty".into());
        }
        for (name, outcome) in &self.answers {
            if !(0.0..=1.0).contains(&outcome.score) {
                return Err(format!("the score of {name:?} is not a number from 0 to 1"));
            }
            if !(outcome.usd.is_finite() && outcome.usd >= 0.0) {
                return Err(format!("the cost of {name:?} is not a number, 0 or more"));
            }
            if outcome.tokens_out.is_some_and(|tokens| !(tokens.is_finite() && tokens >= 0.0)) {
                return Err(format!("the answer length of {name:?} is not a number, 0 or more"));
            }
        }
        match (self.asked, self.answers.len()) {
            (_, 0) => Err("it holds no outcome".into()),
            (Asked::Chosen { .. }, 2..) => Err("a decision chooses one candidate".into()),
            (Asked::Chosen { propensity: Some(p) }, _) if !(p > 0.0 && p <= 1.0) => {
                Err(format!("its propensity is {p}; what was chosen has one above 0 and up to 1"))
            }
            _ => Ok(()),
        }
    }
}

impl Line {
    fn entry(self) -> Result<Entry, String> {
        let answered = self.scores.iter().filter(|(_, score)| !score.is_null());
        let answers = answered.map(|(name, score)| Ok((name.clone(), self.outcome(name, score)?)));
        let answers = answers.collect::<Result<_, String>>()?;
        Ok(Entry { query: self.query, dataset: self.dataset, task: label(self.task), split: self.split, answers, asked: Asked::Openly })
    }

    fn outcome(&self, name: &str, score: &serde_json::Value) -> Result<Outcome, String> {
        let score = score.as_f64().or(score.as_bool().map(|right| f64::from(u8::from(right))));
        let score = score.ok_or_else(|| format!("the score of {name:?} is not a number from 0 to 1"))?;
        let usd = self.costs.get(name).copied().flatten().ok_or_else(|| format!("{name:?} has a score but no cost"))?;
        Ok(Outcome { score, usd, tokens_out: self.tok_out.get(name).copied().flatten() })
    }
}

/// All pairs of a map, also where a key is there twice.
fn pairs<'de, D: Deserializer<'de>>(map: D) -> Result<Vec<(String, serde_json::Value)>, D::Error> {
    struct Pairs;
    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, serde_json::Value)>;

        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            f.write_str("an object of scores by candidate")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            std::iter::from_fn(|| map.next_entry().transpose()).collect()
        }
    }
    map.deserialize_map(Pairs)
}

/// What is wrong with a line of JSON. Its own numbers of lines are those of one line.
pub(super) fn in_words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((problem, _)) => format!("{problem} (column {})", error.column()),
        None => text,
    }
}

/// A label is whatever the log calls it; one that is no text is its JSON.
pub(super) fn label(task: serde_json::Value) -> String {
    match task {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Log> {
        let mut log = Log::default();
        let renames = HashMap::from([("Old-A".to_owned(), "a".to_owned())]);
        log.read(text.as_bytes(), &renames).map(|()| log)
    }

    #[test]
    fn rows_of_unlike_pools_share_one_list() {
        let log = read(
            "{\"query\":\"x\",\"split\":\"test\",\"scores\":{\"a\":1,\"b\":0},\"costs\":{\"a\":0.1,\"b\":0.2}}\n\n\
             {\"query\":\"y\",\"dataset\":\"d\",\"task\":7,\"scores\":{\"c\":0.5,\"Old-A\":0},\"costs\":{\"c\":0,\"Old-A\":1},\"tok_out\":{\"c\":7}}\n",
        )
        .unwrap();
        assert_eq!(log.candidates, ["a", "b", "c"]);
        assert_eq!((log.rows[0].split, log.rows[1].split), (Split::Test, Split::Train));
        assert_eq!((&*log.rows[0].task, &*log.rows[1].task, &*log.rows[1].dataset), ("", "7", "d"));
        assert_eq!(log.rows[0].outcome(2), None);
        assert_eq!(log.rows[1].outcome(2), Some(Outcome { score: 0.5, usd: 0.0, tokens_out: Some(7.0) }));
        assert_eq!(log.rows[1].outcome(0).unwrap().usd, 1.0);
        assert_eq!(log.rows[1].outcomes().map(|(candidate, _)| candidate).collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn a_line_that_cannot_be_used_is_named() {
        let good = r#"{"query":"x","scores":{"a":1},"costs":{"a":0}}"#;
        for bad in [
            "not json",
            r#"{"query":" ","scores":{"a":1},"costs":{"a":0}}"#,
            r#"{"query":"x","scores":{},"costs":{}}"#,
            r#"{"query":"x","scores":{"a":2},"costs":{"a":0}}"#,
            r#"{"query":"x","scores":{"a":1},"costs":{}}"#,
            r#"{"query":"x","scores":{"a":1},"costs":{"a":-1}}"#,
            r#"{"query":"x","scores":{"a":1,"Old-A":1},"costs":{"a":0,"Old-A":0}}"#,
            r#"{"query":"x","scores":{"a":1,"a":0},"costs":{"a":0}}"#,
            r#"{"query":"x","scores":{"a":1},"costs":{"a":null}}"#,
            r#"{"query":"x","scores":{"a":"good"},"costs":{"a":0}}"#,
            r#"{"query":"x","scores":{"a":1},"costs":{"a":0},"tok_out":{"a":-1}}"#,
            r#"{"query":"x","scores":{"a":NaN},"costs":{"a":0}}"#,
        ] {
            let error = read(&format!("{good}\n{bad}\n")).unwrap_err();
            assert!(matches!(error, Error::BadLog { line: 2, .. }), "{bad}: {error}");
        }
    }

    #[test]
    fn what_other_tools_write_is_read() {
        let row = r#"{"query":"x","scores":{"a":true,"b":null,"c":false},"costs":{"a":0.5,"b":null,"c":0},"tok_out":{"a":null,"c":3}}"#;
        let log = read(row).unwrap();
        let outcome = |score, usd, tokens_out| Outcome { score, usd, tokens_out };
        assert_eq!(log.candidates, ["a", "c"], "a score that is null is none");
        assert_eq!(log.rows[0].outcomes().collect::<Vec<_>>(), [(0, outcome(1.0, 0.5, None)), (1, outcome(0.0, 0.0, Some(3.0)))]);
    }

    #[test]
    fn a_decision_has_one_answer_and_could_be_made() {
        let outcome = Outcome { score: 1.0, usd: 0.1, tokens_out: None };
        let push = |propensity, answers: &[&str]| {
            let answers = answers.iter().map(|&name| (name.to_owned(), outcome)).collect();
            let entry = Entry { query: "x".into(), answers, asked: Asked::Chosen { propensity }, ..Entry::default() };
            Log::default().push(3, entry, &HashMap::new())
        };
        assert!(push(Some(0.25), &["a"]).is_ok() && push(None, &["a"]).is_ok());
        for (propensity, answers) in
            [(Some(0.0), &["a"][..]), (Some(1.5), &["a"]), (Some(f64::NAN), &["a"]), (None, &["a", "b"]), (None, &[])]
        {
            assert!(matches!(push(propensity, answers), Err(Error::BadLog { line: 3, .. })), "{propensity:?} {answers:?}");
        }
    }
}
