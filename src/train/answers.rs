//! What every candidate would have brought on rows where only one was asked.
//!
//! A decision asks one candidate, and its outcome alone is known (MetaLLM, arXiv 2407.10834, Algorithm 1). A dial table
//! that looked at such outcomes only would compare candidates on unlike prompts. So the others are filled in, doubly
//! robustly (Dudík, Langford and Li 2011, arXiv 1103.4601): with r the outcome of the chosen candidate a, p its
//! propensity and r̂ predictions made out of fold,
//!
//! ```text
//! r̂_c + [c = a] (r - r̂_c) / p
//! ```
//!
//! for candidate c. Its mean over rows is right where the propensities are, or where the predictions are. One such number
//! may lie outside 0..1.

use super::outcomes::{Asked, Log, Outcome};
use std::collections::HashMap;

/// Rarer choices than one in so many weigh no more: a little bias for a mean that no single row decides.
const MOST_WEIGHT: f64 = 100.0;

/// By row, 1/p where one candidate was chosen, and nothing where candidates were asked openly. Where no row holds more
/// than one outcome of the pool, all count as chosen. Where a log has no propensities, a candidate's share of those rows
/// stands in for it: right where candidates were assigned without a look at the prompt.
pub(super) fn weights(log: &Log, rows: &[usize], pool: &[usize]) -> Vec<Option<f64>> {
    let answered = |row: usize| pool.iter().filter(move |&&c| log.rows[row].outcome(c).is_some());
    let single = pool.len() > 1 && rows.iter().all(|&row| answered(row).count() == 1);
    let asked = |row: usize| match log.rows[row].asked {
        Asked::Openly if single => Asked::Chosen { propensity: None },
        asked => asked,
    };
    let mut counts: HashMap<usize, f64> = HashMap::new();
    let unknown = rows.iter().filter(|&&row| asked(row) == Asked::Chosen { propensity: None });
    unknown.filter_map(|&row| answered(row).next()).for_each(|&c| *counts.entry(c).or_default() += 1.0);
    let total: f64 = counts.values().sum();
    let weight = |&row: &usize| match asked(row) {
        Asked::Openly => None,
        Asked::Chosen { propensity: Some(p) } => Some(1.0 / p),
        Asked::Chosen { propensity: None } => answered(row).next().map(|c| total / counts[c]),
    };
    rows.iter().map(|row| weight(row).map(|weight| weight.min(MOST_WEIGHT))).collect()
}

/// What is taken for a candidate's outcome: the logged one, or, where a decision chose with this weight, the estimate
/// above from the predicted score and cost.
pub(super) fn answer(logged: Option<Outcome>, weight: Option<f64>, (score, usd): (f64, f64)) -> Option<Outcome> {
    let Some(weight) = weight else { return logged };
    let robust = |predicted: f64, found: fn(&Outcome) -> f64| predicted + logged.map_or(0.0, |l| weight * (found(&l) - predicted));
    Some(Outcome { score: robust(score, |l| l.score), usd: robust(usd, |l| l.usd), tokens_out: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Entry;

    fn log(rows: &[(&[&str], Asked)]) -> Log {
        let mut log = Log::default();
        for (names, asked) in rows {
            let answers = names.iter().map(|&name| (name.to_owned(), Outcome { score: 1.0, usd: 1.0, tokens_out: None })).collect();
            log.push(1, Entry { query: "x".into(), answers, asked: *asked, ..Entry::default() }, &HashMap::new()).unwrap();
        }
        log
    }

    #[test]
    fn weights_are_inverse_propensities_and_shares_where_those_are_unknown() {
        let chosen = |propensity| Asked::Chosen { propensity };
        let both: &[&str] = &["a", "b"];
        let mixed = log(&[(both, Asked::Openly), (&["a"], Asked::Openly), (&["b"], chosen(Some(0.25))), (&["a"], chosen(Some(1e-6)))]);
        assert_eq!(weights(&mixed, &[0, 1, 2, 3], &[0, 1]), [None, None, Some(4.0), Some(MOST_WEIGHT)]);
        // Three rows of a and one of b, and nothing else: they were assigned with shares of 3/4 and 1/4.
        let single = log(&[(&["a"], Asked::Openly), (&["a"], chosen(None)), (&["a"], Asked::Openly), (&["b"], Asked::Openly)]);
        let expected = [Some(4.0 / 3.0), Some(4.0 / 3.0), Some(4.0 / 3.0), Some(4.0)];
        assert_eq!(weights(&single, &[0, 1, 2, 3], &[0, 1]), expected);
        assert_eq!(weights(&single, &[0, 2], &[0]), [None, None], "alone in its pool, a candidate was not chosen from others");
    }

    #[test]
    fn answers_worked_by_hand() {
        let logged = Some(Outcome { score: 1.0, usd: 2.0, tokens_out: None });
        assert_eq!(answer(logged, None, (0.5, 1.0)), logged);
        assert_eq!(answer(None, None, (0.5, 1.0)), None);
        let numbers = |found: Option<Outcome>| found.map(|o| (o.score, o.usd));
        assert_eq!(numbers(answer(logged, Some(4.0), (0.5, 1.0))), Some((2.5, 5.0)));
        assert_eq!(numbers(answer(None, Some(4.0), (0.5, 1.0))), Some((0.5, 1.0)));
    }
}
