//! Outcome logs: one prompt a line, with the score and cost of each candidate that answered it.

use crate::error::{Error, Result};
use serde::Deserialize;
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
    /// By the position of the candidate in [`Log::candidates`]; shorter where later candidates are missing.
    outcomes: Vec<Option<Outcome>>,
}

impl Row {
    /// The outcome of a candidate, if it answered this prompt.
    pub fn outcome(&self, candidate: usize) -> Option<Outcome> {
        self.outcomes.get(candidate).copied().flatten()
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

#[derive(Deserialize)]
struct Line {
    query: String,
    #[serde(default)]
    dataset: String,
    #[serde(default)]
    task: serde_json::Value,
    #[serde(default = "train")]
    split: Split,
    scores: serde_json::Map<String, serde_json::Value>,
    costs: HashMap<String, f64>,
    #[serde(default)]
    tok_out: HashMap<String, f64>,
}

fn train() -> Split {
    Split::Train
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
                self.push(&line, renames).map_err(|problem| Error::BadLog { line: i + 1, problem })?;
            }
        }
        Ok(())
    }

    /// Position of a candidate by its id.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.candidates.iter().position(|c| c == id)
    }

    fn push(&mut self, line: &str, renames: &HashMap<String, String>) -> Result<(), String> {
        let line: Line = serde_json::from_str(line).map_err(|e| e.to_string())?;
        if line.query.trim().is_empty() {
            return Err("its query is empty".into());
        }
        let mut outcomes = vec![None; self.candidates.len()];
        for (name, score) in &line.scores {
            let outcome = read_outcome(name, score, &line)?;
            let at = self.intern(renames.get(name).unwrap_or(name));
            outcomes.resize(self.candidates.len(), None);
            if outcomes[at].replace(outcome).is_some() {
                return Err(format!("candidate {:?} appears twice", self.candidates[at]));
            }
        }
        if outcomes.iter().all(Option::is_none) {
            return Err("it holds no outcome".into());
        }
        self.rows.push(Row { query: line.query, dataset: line.dataset, task: label(line.task), split: line.split, outcomes });
        Ok(())
    }

    fn intern(&mut self, id: &str) -> usize {
        self.position(id).unwrap_or_else(|| {
            self.candidates.push(id.into());
            self.candidates.len() - 1
        })
    }
}

/// A label is whatever the log calls it; one that is no text is its JSON.
fn label(task: serde_json::Value) -> String {
    match task {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}

fn read_outcome(name: &str, score: &serde_json::Value, line: &Line) -> Result<Outcome, String> {
    let score =
        score.as_f64().filter(|s| (0.0..=1.0).contains(s)).ok_or_else(|| format!("the score of {name:?} is not a number from 0 to 1"))?;
    let usd = line.costs.get(name).copied().ok_or_else(|| format!("{name:?} has a score but no cost"))?;
    if !(usd.is_finite() && usd >= 0.0) {
        return Err(format!("the cost of {name:?} is negative"));
    }
    Ok(Outcome { score, usd, tokens_out: line.tok_out.get(name).copied() })
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
        ] {
            let error = read(&format!("{good}\n{bad}\n")).unwrap_err();
            assert!(matches!(error, Error::BadLog { line: 2, .. }), "{bad}: {error}");
        }
    }
}
