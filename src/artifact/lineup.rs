//! Another line-up for a router file: candidates leave, get other prices, or come without logs.

use super::RouterFile;
use crate::catalog::{Candidate, Catalog};
use crate::error::{Error, Result};
use crate::head::{Head, Linear};
use crate::placing::{Evidence, Placed};
use crate::policy::Dials;
use ndarray::{Array2, Axis, concatenate};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A candidate of a line-up. What is left open stays as the router file says; one that the file does not know needs prices
/// and mean scores, or outcomes of its own.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Entry {
    /// The name to put in the request's `model` field.
    pub id: String,
    /// Price of a million input tokens, in US dollars.
    pub usd_per_mtok_in: Option<f64>,
    /// Price of a million output tokens, in US dollars.
    pub usd_per_mtok_out: Option<f64>,
    /// Price of a million input tokens from the provider's prompt cache, in US dollars.
    pub usd_per_mtok_cached: Option<f64>,
    /// The longest prompt and answer together, in tokens.
    pub context_tokens: Option<u32>,
    /// Abilities a request may need.
    pub supports: Option<Vec<String>>,
    /// Mean length of its answers, in tokens; that of the others where nobody knows.
    pub expected_output_tokens: Option<f64>,
    /// Mean scores by task, for a candidate that the router file does not know.
    pub scores: BTreeMap<String, f64>,
    /// Features of prompts that it answered, and its scores.
    #[serde(skip)]
    pub outcomes: Vec<(Vec<f32>, f64)>,
}

impl RouterFile {
    /// The file with these candidates and no others, in this order. The default exchange rate stays. What was measured for
    /// the old line-up goes: the guarantee, and the quality that each exchange rate brings.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a candidate that cannot be placed, or that is there twice or without a sound price.
    pub fn with_lineup(self, entries: &[Entry]) -> Result<Self> {
        let listed = Catalog::named(entries.iter().map(|entry| self.candidate(entry)).collect::<Result<_>>()?)?;
        if compete_alike(&listed, &self.catalog) {
            return Ok(Self { catalog: listed, ..self });
        }
        let rows = entries.iter().map(|entry| self.row(entry)).collect::<Result<Vec<_>>>()?;
        let heads: Vec<&Head> = rows.iter().map(|row| &row.head).collect();
        let means: Vec<f64> = rows.iter().map(|row| row.mean).collect();
        let strongest = (0..means.len()).fold(0, |best, i| if means[i] > means[best] { i } else { best });
        let input_tokens = self.tasks.as_ref().map_or(0.0, |tasks| tasks.input_tokens);
        let usd = listed.candidates().iter().map(|c| c.usd(input_tokens, c.expected_output_tokens));
        let mut dials = self.dials;
        dials.cost_scale = Dials::cost_scale_of(usd);
        (dials.strongest, dials.means, dials.knots, dials.guarantee) = (strongest, means, vec![], None);
        let head = stack(&heads)?;
        // Its numbers are by the candidates of training: whoever wants to place more starts from the file as it was trained.
        Ok(Self { catalog: listed, head, dials, tasks: None, ..self })
    }

    fn candidate(&self, entry: &Entry) -> Result<Candidate> {
        let known = self.catalog.position(&entry.id).map(|at| &self.catalog.candidates()[at]);
        let price = |given: Option<f64>, known: Option<f64>, name: &str| {
            let problem = || format!("{:?} is not a candidate of this router file; give its {name}", entry.id);
            given.or(known).ok_or_else(|| Error::input("candidates", problem()))
        };
        let others = self.catalog.candidates();
        let mean = others.iter().map(|c| c.expected_output_tokens).sum::<f64>() / others.len() as f64;
        Ok(Candidate {
            id: entry.id.clone(),
            usd_per_mtok_in: price(entry.usd_per_mtok_in, known.map(|c| c.usd_per_mtok_in), "usdPerMtokIn")?,
            usd_per_mtok_out: price(entry.usd_per_mtok_out, known.map(|c| c.usd_per_mtok_out), "usdPerMtokOut")?,
            usd_per_mtok_cached: entry.usd_per_mtok_cached.or(known.and_then(|c| c.usd_per_mtok_cached)),
            context_tokens: entry.context_tokens.or(known.and_then(|c| c.context_tokens)),
            supports: entry.supports.clone().or(known.map(|c| c.supports.clone())).unwrap_or_default(),
            expected_output_tokens: entry.expected_output_tokens.or(known.map(|c| c.expected_output_tokens)).unwrap_or(mean),
        })
    }

    fn row(&self, entry: &Entry) -> Result<Row> {
        if let Some(at) = self.catalog.position(&entry.id) {
            return Ok(Row { head: self.head.select(&[at]), mean: self.dials.means[at] });
        }
        let problem = || {
            format!(
                "{:?} is not a candidate of this router file, and the file tells nothing of tasks to place it by; place all new \
                        candidates at once, beside those of the file as it was trained",
                entry.id
            )
        };
        let tasks = self.tasks.as_ref().ok_or_else(|| Error::input("candidates", problem()))?;
        let evidence = Evidence { scores: entry.scores.clone(), outcomes: entry.outcomes.clone() };
        let placed = tasks.place(&self.head, &evidence).map_err(|error| match error {
            Error::BadInput { argument, problem } => Error::input("candidates", format!("{:?}, {argument}: {problem}", entry.id)),
            other => other,
        })?;
        Ok(Row { mean: placed.mean, head: self.placed_head(&placed)? })
    }

    /// A head of one candidate; how long its answers are by prompt is taken from the others.
    fn placed_head(&self, placed: &Placed) -> Result<Head> {
        let [.., length] = self.head.parts();
        let width = self.head.width();
        let row = |weights: Vec<f32>, bias: f32| -> Result<Linear> {
            let weights = Array2::from_shape_vec((1, width), weights).map_err(|e| Error::artifact("head", e))?;
            Ok(Linear { weights, bias: vec![bias].into() })
        };
        let lengths = length.weights.mean_axis(Axis(0)).unwrap_or_default().to_vec();
        let spread = row(vec![0.0; width], placed.variance)?;
        let lengths = row(lengths, length.bias.mean().unwrap_or(0.0))?;
        Head::new(self.head.link(), row(placed.weights.clone(), placed.bias)?, spread, lengths)
    }
}

/// Whether all candidates, prices and lengths are the same, so that no choice differs but for limits.
fn compete_alike(a: &Catalog, b: &Catalog) -> bool {
    let matters = |c: &Candidate| (c.id.clone(), c.usd_per_mtok_in, c.usd_per_mtok_out, c.expected_output_tokens);
    a.candidates().iter().map(matters).eq(b.candidates().iter().map(matters))
}

struct Row {
    /// Of this candidate alone.
    head: Head,
    mean: f64,
}

fn stack(heads: &[&Head]) -> Result<Head> {
    let layer = |i: usize| -> Result<Linear> {
        let layers: Vec<&Linear> = heads.iter().map(|head| head.parts()[i]).collect();
        let weights: Vec<_> = layers.iter().map(|layer| layer.weights.view()).collect();
        let bias: Vec<_> = layers.iter().map(|layer| layer.bias.view()).collect();
        let fault = |e| Error::artifact("head", e);
        Ok(Linear { weights: concatenate(Axis(0), &weights).map_err(fault)?, bias: concatenate(Axis(0), &bias).map_err(fault)? })
    };
    Head::new(heads[0].link(), layer(0)?, layer(1)?, layer(2)?)
}
