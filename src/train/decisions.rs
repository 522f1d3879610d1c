//! Logs of decisions and of the feedback that came later, joined by id into rows with one outcome each.
//!
//! Two passes over the same lines: the first collects feedback, the second makes a row of every decision that has some.
//! What is kept between them is some 80 bytes for every decision, and no text.

use super::outcomes::{Asked, Entry, Outcome, Split, in_words, label};
use crate::error::{Error, Result};
use crate::prompt::Prompt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

/// What became of the lines of a decision log. Rows = decisions - (without feedback + repeated + unlike + failed).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Lines that hold a decision.
    pub decisions: u64,
    /// Lines that hold feedback.
    pub feedback: u64,
    /// Rows that they made.
    pub rows: u64,
    /// Decisions that no feedback gives a score.
    pub without_feedback: u64,
    /// Decisions that were logged before, word for word.
    pub repeated: u64,
    /// Decisions whose id names another decision too: which one feedback means cannot be known. Routers that were made
    /// with one `seed` give equal ids.
    pub unlike: u64,
    /// Decisions that a fallback took when the engine had failed.
    pub failed: u64,
    /// Feedback that names no decision.
    pub unclaimed_feedback: u64,
    /// Feedback of which nothing was new: the first score and the first cost of an id count, as in `Router.feedback`.
    pub repeated_feedback: u64,
    /// Rows without a bill: their cost is what the decision expected.
    pub expected_costs: u64,
}

/// Joins decisions with their feedback.
#[derive(Debug, Default)]
pub struct Join {
    pairs: HashMap<Key, Pair>,
    tally: Tally,
}

type Key = [u8; 16];

/// What is known of one id.
#[derive(Debug, Default)]
struct Pair {
    score: Option<f64>,
    usd: Option<f64>,
    /// Hash of the line that holds the decision.
    decision: Option<u64>,
    unlike: bool,
    done: bool,
}

/// Either kind of line; keys other than these are ignored.
#[derive(Deserialize)]
struct Line {
    query: Option<Prompt>,
    decision: Option<Made>,
    #[serde(default)]
    dataset: String,
    #[serde(default)]
    task: serde_json::Value,
    split: Option<Split>,
    id: Option<String>,
    score: Option<f64>,
    usd: Option<f64>,
}

/// What is read of a decision.
#[derive(Deserialize)]
struct Made {
    id: String,
    model: String,
    reason: Option<String>,
    propensity: Option<f64>,
    usd: Option<f64>,
}

impl Join {
    /// First pass: notes ids and feedback of a line.
    ///
    /// # Errors
    /// [`Error::BadLog`] for a line that is neither a decision with its query nor feedback, or a number out of range.
    pub fn note(&mut self, line: usize, text: &str) -> Result<()> {
        let parsed = parse(line, text)?;
        let id = parsed.decision.as_ref().map(|made| &made.id).or(parsed.id.as_ref());
        let slot = self.pairs.entry(key(id.map_or("", String::as_str)));
        let seen = matches!(slot, Slot::Occupied(_));
        let pair = slot.or_default();
        if parsed.decision.is_some() {
            let content = hash(text);
            self.tally.decisions += 1;
            pair.unlike |= seen && pair.decision.is_some_and(|earlier| earlier != content);
            pair.decision = Some(content);
            return Ok(());
        }
        check(parsed.score, parsed.usd).map_err(|problem| Error::BadLog { line, problem })?;
        self.tally.feedback += 1;
        let is_new = [fill(&mut pair.score, parsed.score), fill(&mut pair.usd, parsed.usd)];
        self.tally.repeated_feedback += u64::from(is_new == [false, false]);
        Ok(())
    }

    /// Second pass: the row that a line makes, if it makes one.
    ///
    /// # Errors
    /// [`Error::BadLog`] for a decision whose cost neither it nor its feedback tells.
    pub fn row(&mut self, line: usize, text: &str) -> Result<Option<Entry>> {
        let Line { query: Some(query), decision: Some(made), dataset, task, split, .. } = parse(line, text)? else { return Ok(None) };
        let pair = self.pairs.entry(key(&made.id)).or_default();
        let repeated = std::mem::replace(&mut pair.done, true);
        let failed = made.reason.as_deref() == Some("fallback-error");
        let dropped = [
            (pair.unlike, &mut self.tally.unlike),
            (repeated, &mut self.tally.repeated),
            (failed, &mut self.tally.failed),
            (pair.score.is_none(), &mut self.tally.without_feedback),
        ];
        if let Some((_, count)) = dropped.into_iter().find(|(is, _)| *is) {
            *count += 1;
            return Ok(None);
        }
        let (Some(score), billed) = (pair.score, pair.usd) else { return Ok(None) };
        let bad = |problem: String| Error::BadLog { line, problem };
        let usd = billed.or(made.usd).ok_or_else(|| bad(format!("neither decision {:?} nor its feedback tells its cost", made.id)))?;
        let query = query.text().map_err(|e| bad(e.to_string()))?.into_owned();
        self.tally.rows += 1;
        self.tally.expected_costs += u64::from(billed.is_none());
        let answers = vec![(made.model, Outcome { score, usd, tokens_out: None })];
        Ok(Some(Entry { query, dataset, task: label(task), split, answers, asked: Asked::Chosen { propensity: made.propensity } }))
    }

    /// What became of the lines, once both passes are done.
    pub fn tally(&self) -> Tally {
        let unclaimed = self.pairs.values().filter(|pair| pair.score.or(pair.usd).is_some() && pair.decision.is_none()).count();
        Tally { unclaimed_feedback: unclaimed as u64, ..self.tally }
    }
}

fn parse(line: usize, text: &str) -> Result<Line> {
    let bad = |problem: String| Error::BadLog { line, problem };
    let parsed: Line = serde_json::from_str(text).map_err(|e| bad(in_words(&e)))?;
    let decision = parsed.decision.is_some() && parsed.query.is_some();
    let feedback = parsed.decision.is_none() && parsed.id.is_some() && (parsed.score.is_some() || parsed.usd.is_some());
    if decision || feedback {
        return Ok(parsed);
    }
    let expected = "expected a decision {\"query\": ..., \"decision\": {...}} or feedback {\"id\": ..., \"score\": ..., \"usd\": ...}";
    Err(bad(format!("it is neither; {expected}")))
}

/// Takes what is not known yet; whether that was anything.
fn fill(known: &mut Option<f64>, told: Option<f64>) -> bool {
    let is_new = known.is_none() && told.is_some();
    *known = known.or(told);
    is_new
}

fn check(score: Option<f64>, usd: Option<f64>) -> Result<(), String> {
    if let Some(score) = score.filter(|score| !(0.0..=1.0).contains(score)) {
        return Err(format!("the score {score} is not a number from 0 to 1"));
    }
    match usd.filter(|usd| !(usd.is_finite() && *usd >= 0.0)) {
        Some(usd) => Err(format!("the cost {usd} is not a number, 0 or more")),
        None => Ok(()),
    }
}

fn key(id: &str) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(&Sha256::digest(id)[..16]);
    key
}

fn hash(text: &str) -> u64 {
    key(text)[..8].iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(id: &str, query: &str, model: &str, propensity: f64) -> String {
        serde_json::json!({ "query": query, "decision": {
            "id": id, "model": model, "reason": "explore", "propensity": propensity, "usd": 0.5, "truncated": false, "ms": 3.5,
            "scores": [{ "model": model, "quality": 0.5, "spread": 0.1, "usd": 0.5, "utility": 0.4 }],
        } })
        .to_string()
    }

    fn feedback(id: &str, score: f64, usd: Option<f64>) -> String {
        let mut line = serde_json::json!({ "id": id, "score": score });
        if let Some(usd) = usd {
            line["usd"] = usd.into();
        }
        line.to_string()
    }

    fn join(lines: &[String]) -> Result<(Vec<Entry>, Tally)> {
        let mut join = Join::default();
        lines.iter().enumerate().try_for_each(|(i, line)| join.note(i + 1, line))?;
        let rows = lines.iter().enumerate().filter_map(|(i, line)| join.row(i + 1, line).transpose()).collect::<Result<_>>()?;
        Ok((rows, join.tally()))
    }

    #[test]
    fn feedback_finds_its_decision_before_it_and_after_it() {
        let lines = [
            feedback("b", 0.25, Some(0.125)),
            decision("a", "why?", "small", 0.75),
            decision("b", "how?", "large", 0.5),
            feedback("a", 1.0, None),
        ];
        let (rows, tally) = join(&lines).unwrap();
        let expected = |query: &str, model: &str, score, usd, propensity| Entry {
            query: query.into(),
            answers: vec![(model.into(), Outcome { score, usd, tokens_out: None })],
            asked: Asked::Chosen { propensity: Some(propensity) },
            ..Entry::default()
        };
        assert_eq!(rows, [expected("why?", "small", 1.0, 0.5, 0.75), expected("how?", "large", 0.25, 0.125, 0.5)]);
        assert_eq!(tally, Tally { decisions: 2, feedback: 2, rows: 2, expected_costs: 1, ..Tally::default() });
    }

    #[test]
    fn a_score_and_a_bill_may_come_apart() {
        let bill = |id: &str, usd: f64| serde_json::json!({ "id": id, "usd": usd }).to_string();
        let lines = [
            decision("late", "why?", "small", 0.75),
            feedback("late", 1.0, None),
            bill("late", 0.125),
            bill("late", 0.25),
            bill("early", 0.375),
            decision("early", "how?", "large", 0.5),
            feedback("early", 0.5, Some(9.0)),
            decision("unjudged", "who?", "large", 0.5),
            bill("unjudged", 1.0),
        ];
        let (rows, tally) = join(&lines).unwrap();
        let outcomes: Vec<(f64, f64)> = rows.iter().map(|row| (row.answers[0].1.score, row.answers[0].1.usd)).collect();
        assert_eq!(outcomes, [(1.0, 0.125), (0.5, 0.375)]);
        let expected = Tally { decisions: 3, feedback: 6, rows: 2, without_feedback: 1, repeated_feedback: 1, ..Tally::default() };
        assert_eq!(tally, expected);
    }

    #[test]
    fn what_is_dropped_is_counted() {
        let failed = decision("f", "x", "large", 1.0).replace("explore", "fallback-error");
        let lines = [
            decision("a", "why?", "small", 1.0),
            decision("a", "why?", "small", 1.0),
            feedback("a", 1.0, None),
            feedback("a", 0.0, None),
            decision("lonely", "x", "small", 1.0),
            feedback("stray", 1.0, None),
            // One seed, two routers.
            decision("twin", "one", "small", 1.0),
            decision("twin", "another", "small", 1.0),
            feedback("twin", 1.0, None),
            failed,
            feedback("f", 1.0, Some(1.0)),
        ];
        let (rows, tally) = join(&lines).unwrap();
        assert_eq!((rows.len(), rows[0].answers[0].1.score), (1, 1.0));
        let expected = Tally {
            decisions: 6,
            feedback: 5,
            rows: 1,
            without_feedback: 1,
            repeated: 1,
            unlike: 2,
            failed: 1,
            unclaimed_feedback: 1,
            repeated_feedback: 1,
            expected_costs: 1,
        };
        assert_eq!(tally, expected);
    }

    #[test]
    fn a_chat_is_read_as_the_router_reads_it() {
        let chat =
            r#"{"query":[{"role":"system","content":"Be brief."},{"role":"user","content":"why?"}],"decision":{"id":"a","model":"m"}}"#;
        let (rows, _) = join(&[chat.into(), feedback("a", 1.0, Some(0.0))]).unwrap();
        assert_eq!((rows[0].query.as_str(), rows[0].asked), ("why?", Asked::Chosen { propensity: None }));
    }

    #[test]
    fn a_line_that_cannot_be_used_is_named() {
        let no_cost = r#"{"query":"x","decision":{"id":"a","model":"m"}}"#.to_owned();
        for bad in [
            "not json".to_owned(),
            "{}".into(),
            r#"{"decision":{"id":"a","model":"m"}}"#.into(),
            r#"{"id":"a"}"#.into(),
            feedback("a", 1.5, None),
            feedback("a", 1.0, Some(-1.0)),
            no_cost,
        ] {
            let found = join(&[feedback("a", 1.0, None), bad.clone()]).unwrap_err();
            assert!(matches!(found, Error::BadLog { line: 2, .. }), "{bad}: {found}");
        }
    }
}
