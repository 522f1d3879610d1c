//! Places a candidate that nobody has logs for: from what is public, mean scores by task, or from a few outcomes of its own.
//!
//! Candidates are alike in what they find hard, as in item response theory. The new one is taken for the others' mean,
//! moved along their differences and along directions that tell tasks apart. With z_j(x) the log-odds that the head gives
//! to candidate j of n, z̄ their mean, and g_t(x) a linear estimate of whether x is of task t,
//!
//! ```text
//! z(x) = z̄(x) + Σⱼ εⱼ (z_j(x) - z̄(x)) / √(n-1) + τ Σₜ δₜ g_t(x)            θ = (ε, δ) ~ N(0, I)
//! logit(score on s) ~ N(ūₛ + aₛᵀθ, ν)                                       aₛ = ((u_s - ūₛ) / √(n-1), τ rₛ)
//! ```
//!
//! where u_s are the others' logits of their mean scores on s, and rₛ the mean of g there. θ is the most likely one given
//! the scores and outcomes: linear algebra in n + T numbers. What comes out is one more row of the head.

use crate::error::{Error, Result};
use crate::head::{Head, Linear, Link, sigmoid};
use crate::symmetric::{Symmetric, dot};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// τ: how far tasks may lie from what the others' differences explain, in log-odds.
const TASK_SCALE: f64 = 0.4;
/// ν: variance of a given score's logit, some two points in the middle.
const NOISE: f64 = 0.01;
/// Scores nearer to 0 or 1 say no more than this.
const EXTREME: f64 = 0.005;
const STEPS: usize = 25;
const HALVINGS: usize = 20;

/// What the training rows tell of tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct Tasks {
    /// What scores can be given for, and how they look.
    pub scores: Vec<TaskScore>,
    /// By task, a linear estimate of whether a prompt belongs to it: tasks x features.
    pub directions: Linear,
    /// Variance of a placed candidate's log-odds within tasks, which no mean score tells.
    pub rest: f64,
    /// Mean length of a prompt, in tokens.
    pub input_tokens: f64,
}

/// A task, or a whole data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskScore {
    /// `data set` or `data set/task`.
    pub name: String,
    /// Share of the training rows; 0 for a data set whose tasks are listed.
    pub share: f64,
    /// By candidate, the log-odds of its mean score.
    pub logits: Vec<f64>,
    /// By task, the mean of its direction over these prompts.
    pub mix: Vec<f64>,
}

/// What is known of a candidate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Mean scores by the names of tasks, from 0 to 1 or, above 1, in percent. A task's name suffices where only one data set
    /// has it.
    pub scores: BTreeMap<String, f64>,
    /// Outcomes of its own: features of the prompt, and the score from 0 to 1.
    pub outcomes: Vec<(Vec<f32>, f64)>,
}

/// One more row of the head.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// By feature.
    pub weights: Vec<f32>,
    /// Log-odds where all features are 0.
    pub bias: f32,
    /// Variance of the log-odds, the same for all prompts.
    pub variance: f32,
    /// Expected mean score on prompts like the training prompts.
    pub mean: f64,
}

impl Tasks {
    /// # Errors
    /// [`Error::BadArtifact`] where sizes disagree or a number is out of range.
    pub fn check(&self, head: &Head) -> Result<()> {
        let (tasks, width) = self.directions.weights.dim();
        let finite = |values: &[f64]| values.iter().all(|x| x.is_finite());
        let fits =
            |s: &TaskScore| s.logits.len() == head.len() && s.mix.len() == tasks && s.share >= 0.0 && finite(&s.logits) && finite(&s.mix);
        let numbers = finite(&[self.rest, self.input_tokens]) && self.rest >= 0.0 && self.input_tokens >= 0.0;
        let shares: f64 = self.scores.iter().map(|s| s.share).sum();
        let sound = self.directions.is_finite() && self.directions.bias.len() == tasks && width == head.width() && numbers;
        if sound && shares.is_finite() && shares > 0.0 && self.scores.iter().all(fits) && head.link() == Link::Logistic {
            return Ok(());
        }
        Err(Error::artifact("tasks", "its parts do not fit together, or a number is out of range"))
    }

    /// What scores can be given for.
    pub fn names(&self) -> Vec<&str> {
        self.scores.iter().map(|score| score.name.as_str()).collect()
    }

    /// Places a candidate beside those of the head.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a task that is not known, a score out of range, or no evidence at all.
    pub fn place(&self, head: &Head, evidence: &Evidence) -> Result<Placed> {
        if evidence.scores.is_empty() && evidence.outcomes.is_empty() {
            let problem = format!("a new candidate needs its mean score on at least one of {}", self.names().join(", "));
            return Err(Error::input("scores", problem));
        }
        let axes = Axes::new(head, self);
        let mut posterior = Posterior::new(axes.len());
        for (name, score) in &evidence.scores {
            let (task, logit) = (self.find(name)?, logit(name, *score)?);
            let a = task.along();
            posterior.observe(&a, logit - task.level());
        }
        let mut theta = posterior.mean();
        if !evidence.outcomes.is_empty() {
            theta = posterior.refine(theta, &axes.rows(&evidence.outcomes)?);
        }
        let share: f64 = self.scores.iter().map(|s| s.share).sum();
        let weighted = |value: &dyn Fn(&TaskScore) -> f64| self.scores.iter().map(|s| s.share * value(s)).sum::<f64>() / share;
        let (weights, bias) = axes.combine(&theta);
        Ok(Placed {
            weights,
            bias,
            variance: (weighted(&|s| posterior.variance(&s.along())) + self.rest) as f32,
            mean: weighted(&|s| sigmoid(s.level() + dot(&s.along(), &theta))),
        })
    }

    fn find(&self, name: &str) -> Result<&TaskScore> {
        let exact = self.scores.iter().find(|score| score.name == name);
        let mut short = self.scores.iter().filter(|score| score.name.rsplit('/').next() == Some(name));
        let (first, second) = (short.next(), short.next());
        let only = first.filter(|_| second.is_none());
        exact.or(only).ok_or_else(|| {
            Error::input(
                "scores",
                format!("{name:?} is not a task of this router file, or of several; its tasks are {}", self.names().join(", ")),
            )
        })
    }
}

impl TaskScore {
    fn level(&self) -> f64 {
        self.logits.iter().sum::<f64>() / self.logits.len() as f64
    }

    /// aₛ
    fn along(&self) -> Vec<f64> {
        let (level, root) = (self.level(), root(self.logits.len()));
        let others = self.logits.iter().map(|u| (u - level) / root);
        others.chain(self.mix.iter().map(|r| TASK_SCALE * r)).collect()
    }
}

fn root(candidates: usize) -> f64 {
    (candidates.saturating_sub(1).max(1) as f64).sqrt()
}

fn logit(name: &str, score: f64) -> Result<f64> {
    let share = if score > 1.0 { score / 100.0 } else { score };
    if !(0.0..=1.0).contains(&share) {
        return Err(Error::input("scores", format!("{score} for {name:?} is neither from 0 to 1 nor a percentage")));
    }
    let share = share.clamp(EXTREME, 1.0 - EXTREME);
    Ok(libm::log(share / (1.0 - share)))
}

/// Where θ leads: the mean row of the head, and a row for each coordinate.
struct Axes {
    /// Weights, and the bias behind them.
    mean: Vec<f64>,
    rows: Vec<Vec<f64>>,
}

impl Axes {
    fn new(head: &Head, tasks: &Tasks) -> Self {
        let [quality, ..] = head.parts();
        let rows = |linear: &Linear| -> Vec<Vec<f64>> {
            let row = |(weights, bias): (ndarray::ArrayView1<f32>, &f32)| weights.iter().chain([bias]).map(|w| f64::from(*w)).collect();
            linear.weights.rows().into_iter().zip(&linear.bias).map(row).collect()
        };
        let heads = rows(quality);
        let mean: Vec<f64> = (0..=head.width()).map(|i| heads.iter().map(|row| row[i]).sum::<f64>() / heads.len() as f64).collect();
        let root = root(heads.len());
        let differences = heads.iter().map(|row| row.iter().zip(&mean).map(|(w, m)| (w - m) / root).collect());
        let directions = rows(&tasks.directions).into_iter().map(|row| row.iter().map(|w| TASK_SCALE * w).collect());
        Self { rows: differences.chain(directions).collect(), mean }
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    /// For each outcome: the mean log-odds, what each coordinate of θ adds to it, and the score.
    fn rows(&self, outcomes: &[(Vec<f32>, f64)]) -> Result<Vec<Observation>> {
        let observe = |(features, score): &(Vec<f32>, f64)| {
            if features.len() + 1 != self.mean.len() || !(0.0..=1.0).contains(score) {
                return Err(Error::input("outcomes", format!("a score of {score} on {} features; expected 0 to 1", features.len())));
            }
            let x: Vec<f64> = features.iter().map(|x| f64::from(*x)).chain([1.0]).collect();
            Ok(Observation { base: dot(&self.mean, &x), along: self.rows.iter().map(|row| dot(row, &x)).collect(), score: *score })
        };
        outcomes.iter().map(observe).collect()
    }

    fn combine(&self, theta: &[f64]) -> (Vec<f32>, f32) {
        let at = |i: usize| (self.mean[i] + self.rows.iter().zip(theta).map(|(row, t)| row[i] * t).sum::<f64>()) as f32;
        let width = self.mean.len() - 1;
        ((0..width).map(at).collect(), at(width))
    }
}

struct Observation {
    base: f64,
    along: Vec<f64>,
    score: f64,
}

impl Observation {
    fn log_odds(&self, theta: &[f64]) -> f64 {
        self.base + dot(&self.along, theta)
    }
}

/// A normal distribution of θ: precision P, covariance P⁻¹, and q = P · mean.
struct Posterior {
    precision: Symmetric,
    covariance: Symmetric,
    q: Vec<f64>,
}

impl Posterior {
    fn new(n: usize) -> Self {
        Self { precision: Symmetric::diagonal(n, 1.0), covariance: Symmetric::diagonal(n, 1.0), q: vec![0.0; n] }
    }

    /// aᵀθ was seen to be `value`, with variance ν.
    fn observe(&mut self, a: &[f64], value: f64) {
        self.precision.add_outer(a, 1.0 / NOISE);
        self.covariance.inverse_add_outer(a, 1.0 / NOISE);
        self.q.iter_mut().zip(a).for_each(|(q, a)| *q += a * value / NOISE);
    }

    fn mean(&self) -> Vec<f64> {
        self.covariance.times(&self.q)
    }

    fn variance(&self, a: &[f64]) -> f64 {
        dot(a, &self.covariance.times(a))
    }

    /// The most likely θ with logistic outcomes, by Newton's method; the covariance becomes that of Laplace's approximation.
    fn refine(&mut self, mut theta: Vec<f64>, outcomes: &[Observation]) -> Vec<f64> {
        let prior = self.covariance.clone();
        let mut loss = self.loss(&theta, outcomes);
        for _ in 0..STEPS {
            self.covariance = prior.clone();
            let mut gradient: Vec<f64> = self.precision.times(&theta).iter().zip(&self.q).map(|(p, q)| p - q).collect();
            for outcome in outcomes {
                let p = sigmoid(outcome.log_odds(&theta));
                self.covariance.inverse_add_outer(&outcome.along, p * (1.0 - p));
                gradient.iter_mut().zip(&outcome.along).for_each(|(g, v)| *g += v * (p - outcome.score));
            }
            let step = self.covariance.times(&gradient);
            let shorter = |k: usize| -> Vec<f64> { theta.iter().zip(&step).map(|(t, s)| t - s / (1u64 << k) as f64).collect() };
            let better = (0..HALVINGS).map(shorter).map(|next| (self.loss(&next, outcomes), next)).find(|(next, _)| *next < loss);
            let Some((next, moved)) = better else { break };
            (loss, theta) = (next, moved);
        }
        theta
    }

    /// ½θᵀPθ - qᵀθ + Σ ln(1 + eᶻ) - yz
    fn loss(&self, theta: &[f64], outcomes: &[Observation]) -> f64 {
        let prior = 0.5 * dot(theta, &self.precision.times(theta)) - dot(&self.q, theta);
        let of = |outcome: &Observation| {
            let z = outcome.log_odds(theta);
            z.max(0.0) + libm::log1p(libm::exp(-z.abs())) - outcome.score * z
        };
        prior + outcomes.iter().map(of).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn linear(weights: ndarray::Array2<f32>, bias: ndarray::Array1<f32>) -> Linear {
        Linear { weights, bias }
    }

    fn head() -> Head {
        let zeros = || Linear::zeros(3, 2);
        Head::new(Link::Logistic, linear(array![[1.0, 0.0], [0.5, 1.0], [0.0, -1.0]], array![0.0, 0.5, 1.0]), zeros(), zeros()).unwrap()
    }

    fn tasks() -> Tasks {
        let score = |name: &str, share, logits: [f64; 3], mix: [f64; 2]| TaskScore {
            name: name.into(),
            share,
            logits: logits.into(),
            mix: mix.into(),
        };
        Tasks {
            scores: vec![score("d/one", 0.6, [0.8, 1.2, 0.1], [0.7, 0.3]), score("d/two", 0.4, [0.2, 0.9, 1.0], [0.2, 0.8])],
            directions: linear(array![[1.0, -0.5], [-1.0, 0.5]], array![0.5, 0.5]),
            rest: 0.06,
            input_tokens: 100.0,
        }
    }

    fn evidence(scores: &[(&str, f64)], outcomes: bool) -> Evidence {
        let seen = vec![(vec![1.0, 0.0], 1.0), (vec![0.0, 1.0], 0.0)];
        Evidence { scores: scores.iter().map(|(n, s)| ((*n).into(), *s)).collect(), outcomes: if outcomes { seen } else { vec![] } }
    }

    /// By an independent implementation in numpy: weights, bias, variance, mean.
    #[test]
    fn placing_agrees_with_the_reference() {
        let table = [
            (evidence(&[("one", 0.9), ("two", 60.0)], false), [1.632413999, 1.875826363, -0.096978115, 0.069725079, 0.778885549]),
            (evidence(&[("d/one", 0.9)], false), [1.366852408, 1.878784717, 0.155435235, 0.185357558, 0.803933499]),
            (evidence(&[], true), [0.658521399, -0.458167614, 0.479005243, 0.390692514, 0.630644649]),
            (evidence(&[("one", 0.9)], true), [1.738621567, 1.579787097, 0.024342564, 0.181180024, 0.781592352]),
        ];
        for (evidence, expected) in table {
            let Placed { weights, bias, variance, mean } = tasks().place(&head(), &evidence).unwrap();
            let found = [f64::from(weights[0]), f64::from(weights[1]), f64::from(bias), f64::from(variance), mean];
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} {expected:?}");
        }
    }

    #[test]
    fn nothing_is_placed_on_a_guess() {
        let code = |evidence: Evidence| tasks().place(&head(), &evidence).unwrap_err().to_string();
        assert!(code(Evidence::default()).contains("d/one, d/two"));
        assert!(code(evidence(&[("three", 0.5)], false)).contains("three"));
        assert!(code(evidence(&[("one", 101.0)], false)).contains("percentage"));
        assert!(code(Evidence { outcomes: vec![(vec![1.0], 1.0)], ..Evidence::default() }).contains("features"));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        assert!(tasks().check(&head()).is_ok());
        let broken: [fn(&mut Tasks); 4] =
            [|t| t.rest = f64::NAN, |t| t.scores[0].logits.truncate(2), |t| t.scores[1].mix.clear(), |t| t.scores.clear()];
        for break_it in broken {
            let mut tasks = tasks();
            break_it(&mut tasks);
            assert_eq!(tasks.check(&head()).unwrap_err().code(), "BAD_ARTIFACT");
        }
    }
}
