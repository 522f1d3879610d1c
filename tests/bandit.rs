//! Promise: feedback teaches what a batch fit would, states add up, and exploring stays within its limits.

mod support;

use ndarray::{Array1, Array2};
use pointsman::bandit::{Bandit, Learning, Rule, add_states};
use pointsman::features::{Clusters, FeatureMap};
use pointsman::policy::{Policy, Reason};
use pointsman::prompt::Prompt;
use pointsman::router::{Feedback, Router};
use support::Rng;

const EMBEDDER: &[u8] = include_bytes!("data/tiny.onnx");
const ROUTER: &[u8] = include_bytes!("data/tiny.router");
const IDS: [&str; 3] = ["a", "b", "c"];

fn learning(ridge: f64) -> Learning {
    Learning { ridge, ..Learning::default() }
}

fn vector(rng: &mut Rng, n: usize) -> Vec<f64> {
    (0..n).map(|_| f64::from(rng.unit())).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// (XᵀX + kI)⁻¹Xᵀy by conjugate gradients: another way than the bandit's.
fn ridge_fit(rows: &[(Vec<f64>, f64)], k: f64) -> Array1<f64> {
    let n = rows[0].0.len();
    let x = Array2::from_shape_fn((rows.len(), n), |(i, j)| rows[i].0[j]);
    let y: Array1<f64> = rows.iter().map(|row| row.1).collect();
    let matrix = x.t().dot(&x) + Array2::<f64>::eye(n) * k;
    let mut solution = Array1::<f64>::zeros(n);
    let mut residual = x.t().dot(&y);
    let mut direction = residual.clone();
    for _ in 0..4 * n {
        let power = residual.dot(&residual);
        if power < 1e-30 {
            break;
        }
        let along = matrix.dot(&direction);
        let step = power / direction.dot(&along);
        solution = solution + step * &direction;
        residual = residual - step * along;
        direction = &residual + residual.dot(&residual) / power * &direction;
    }
    solution
}

#[test]
fn without_exploration_it_is_batch_ridge() {
    let mut rng = Rng::new(5);
    let mut bandit = Bandit::new(3, 24, learning(2.0)).unwrap();
    let mut rows = vec![vec![]; 3];
    for _ in 0..600 {
        let (arm, x, y) = (rng.below(3), vector(&mut rng, 25), f64::from(rng.unit()));
        bandit.update(arm, &x, y);
        rows[arm].push((x, y));
    }
    let fits: Vec<Array1<f64>> = rows.iter().map(|rows| ridge_fit(rows, 2.0)).collect();
    for _ in 0..50 {
        let x = vector(&mut rng, 25);
        for (correction, fit) in bandit.corrections(&x).iter().zip(&fits) {
            assert!((correction.shift - dot(&x, fit.as_slice().unwrap())).abs() < 1e-9);
        }
    }
}

/// The reference's arms are made by tests/reference/linucb.py.
#[test]
fn linucb_agrees_with_mabwiser_arm_for_arm() {
    let mut rng = Rng::new(11);
    let truth: Vec<Vec<f64>> = (0..4).map(|_| vector(&mut rng, 6)).collect();
    let mut bandit = Bandit::new(4, 5, learning(1.5)).unwrap();
    for (round, expected) in include_str!("data/linucb.arms").lines().enumerate() {
        let x = vector(&mut rng, 6);
        let plausible = bandit.corrections(&x).iter().map(|c| c.shift + 0.7 * c.width).collect::<Vec<_>>();
        let best = (0..4).rev().max_by(|&a, &b| plausible[a].total_cmp(&plausible[b])).unwrap();
        let arm = if round == 0 { 0 } else { best };
        assert_eq!(arm.to_string(), expected, "round {round}: {plausible:?}");
        bandit.update(arm, &x, dot(&truth[arm], &x) + 0.1 * f64::from(rng.unit()));
    }
}

#[test]
fn merged_states_are_the_state_of_one_that_saw_all() {
    let mut rng = Rng::new(6);
    let fresh = || Bandit::new(3, 16, learning(1.0)).unwrap();
    let (mut left, mut right, mut whole) = (fresh(), fresh(), fresh());
    for i in 0..300 {
        let (arm, x, y) = (rng.below(3), vector(&mut rng, 17), f64::from(rng.unit()));
        [&mut left, &mut right][i % 2].update(arm, &x, y);
        whole.update(arm, &x, y);
        [&mut left, &mut right][i % 2].update_cost(arm, 2.0, 1.0);
        whole.update_cost(arm, 2.0, 1.0);
    }
    // Candidates meet by their ids, whatever their order.
    let mut merged = fresh();
    merged.merge(&["c", "a", "b"], &left.export(&IDS)).unwrap();
    merged.merge(&["c", "a", "b"], &right.export(&IDS)).unwrap();
    for _ in 0..20 {
        let x = vector(&mut rng, 17);
        let (merged, whole) = (merged.corrections(&x), whole.corrections(&x));
        for (at, of) in [(0, 2), (1, 0), (2, 1)] {
            assert!((merged[at].shift - whole[of].shift).abs() < 1e-5 && (merged[at].width - whole[of].width).abs() < 1e-5);
        }
    }
    assert_eq!((merged.count(0), merged.cost_factors().nth(1)), (whole.count(2), whole.cost_factors().next()));
}

#[test]
fn a_state_that_does_not_fit_changes_nothing() {
    let mut rng = Rng::new(7);
    let mut bandit = Bandit::new(3, 8, learning(1.0)).unwrap();
    (0..20).for_each(|i| bandit.update(i % 3, &vector(&mut rng, 9), 0.5));
    let state = bandit.export(&IDS);
    for cut in 0..state.len() {
        assert_eq!(bandit.merge(&IDS, &state[..cut]).unwrap_err().code(), "BAD_ARTIFACT");
    }
    for at in 0..state.len() {
        let mut changed = state.clone();
        changed[at] ^= 1;
        assert_eq!(bandit.merge(&IDS, &changed).unwrap_err().code(), "BAD_ARTIFACT", "byte {at}");
    }
    let other = Bandit::new(3, 9, learning(1.0)).unwrap().export(&IDS);
    assert_eq!(bandit.merge(&IDS, &other).unwrap_err().code(), "MISMATCH");
    assert!(bandit.export(&IDS) == state);
    // At full width, well under 400 kB a candidate.
    assert!(Bandit::new(1, 384, learning(1.0)).unwrap().export(&["a"]).len() < 300_000);
}

#[test]
fn states_of_other_directions_do_not_add_up() {
    let map = |seed: usize| {
        let values = (0..40 * 6).map(|i| ((i * (7 + seed)) % 199) as i8).collect();
        FeatureMap::new(vec![0.1; 6], vec![], Clusters { per_set: 40, values, scales: vec![0.01; 40] }, -1.0).unwrap()
    };
    let settings = || Learning { dimensions: Some(3), ..learning(1.0) };
    let fresh = || Bandit::new(3, 6, settings()).unwrap().of("00000000000000aa");
    let (mut one, other) = (fresh().along(&map(0)), fresh().along(&map(4)));
    let x = one.context(&[0.4, -0.1, 0.3, 0.2, -0.5, 0.6]);
    assert!(x.len() == 4 && x[3] == 1.0 && x != other.context(&[0.4, -0.1, 0.3, 0.2, -0.5, 0.6]));
    one.update(1, &x, 0.5);
    let state = one.export(&IDS);
    fresh().along(&map(0)).merge(&IDS, &state).unwrap();
    for mut stranger in [other, fresh(), fresh().along(&FeatureMap::plain(6))] {
        assert_eq!(stranger.merge(&IDS, &state).unwrap_err().code(), "MISMATCH");
        assert_eq!(add_states(&[state.clone(), stranger.export(&IDS)]).unwrap_err().code(), "MISMATCH");
    }
    // At full width there is no projection to differ in.
    let whole = || Bandit::new(3, 6, learning(1.0)).unwrap().of("00000000000000aa");
    whole().along(&map(0)).merge(&IDS, &whole().along(&map(4)).export(&IDS)).unwrap();
}

#[test]
fn discounting_follows_a_drift_and_keeps_its_caution() {
    let mut rng = Rng::new(8);
    let mut errors = [0.0, 0.0];
    for (error, discount) in errors.iter_mut().zip([1.0, 0.97]) {
        let mut bandit = Bandit::new(1, 7, Learning { discount, ..learning(1.0) }).unwrap();
        let truths = [vector(&mut rng, 8), vector(&mut rng, 8)];
        for round in 0..1200 {
            let (x, truth) = (vector(&mut rng, 8), &truths[round / 600]);
            if round >= 1000 {
                *error += (bandit.corrections(&x)[0].shift - dot(truth, &x)).abs() / 200.0;
            }
            bandit.update(0, &x, dot(truth, &x));
        }
        let width = bandit.corrections(&vector(&mut rng, 8))[0].width;
        assert!(width > 0.0 && width < 1.0, "{width}");
    }
    assert!(errors[1] < 0.2 * errors[0], "{errors:?}");
}

fn learner(settings: Learning) -> Router {
    let mut router = Router::load(ROUTER, EMBEDDER, 7).unwrap();
    router.learn(settings, 3).unwrap();
    router
}

fn route(router: &Router, prompt: &str) -> pointsman::router::Decision {
    router.route(&Prompt::from(prompt), &Policy { cost_weight: Some(0.0), ..Policy::default() }).unwrap()
}

#[test]
fn a_router_without_feedback_routes_as_it_was_shipped() {
    let (plain, learning) = (Router::load(ROUTER, EMBEDDER, 7).unwrap(), learner(Learning::default()));
    for prompt in ["hello", "What is the capital of France?", "Prove it."] {
        assert_eq!(route(&learning, prompt), route(&plain, prompt));
    }
}

#[test]
fn feedback_moves_estimates_and_costs_and_can_be_carried_over() {
    let router = learner(learning(1.0));
    let before = route(&router, "hello");
    for _ in 0..20 {
        let decision = route(&router, "hello");
        if decision.model != before.model {
            break;
        }
        router.feedback(&decision.id, Feedback { score: Some(0.0), usd: Some(decision.usd * 3.0) }).unwrap();
    }
    let after = route(&router, "hello");
    assert_ne!(after.model, before.model);
    let of = |decision: &pointsman::router::Decision| decision.scores.iter().find(|s| s.model == before.model).cloned().unwrap();
    assert!(of(&after).quality < of(&before).quality && of(&after).usd > of(&before).usd && of(&after).spread < of(&before).spread);

    let state = router.export_state().unwrap();
    assert!(!state.windows(5).any(|bytes| bytes == b"hello"));
    let other = learner(learning(1.0));
    other.merge_state(&state).unwrap();
    assert_eq!(route(&other, "hello").model, after.model);
}

#[test]
fn exploring_tries_others_says_so_and_keeps_its_cap() {
    let settings = Learning { rule: Rule::Thompson, explore: 3.0, ..learning(1.0) };
    let free = learner(settings.clone());
    let decisions: Vec<_> = (0..60).map(|_| route(&free, "hello")).collect();
    let tried: Vec<_> = decisions.iter().filter(|d| d.reason == Reason::Explore).collect();
    assert!(!tried.is_empty() && tried.len() < 60 && decisions.iter().all(|d| d.propensity > 0.0 && d.propensity < 1.0));
    let cautious = free.route(&"hello".into(), &Policy { explore: Some(0.0), ..Policy::default() }).unwrap();
    assert_eq!((cautious.propensity, cautious.reason), (1.0, Reason::Utility));

    // At this dial the cheapest is the best guess, so every try costs.
    let dial = Policy { cost_weight: Some(1.5), ..Policy::default() };
    let spent = |cap: Option<f64>| {
        let router = learner(Learning { max_explore_usd: cap, ..settings.clone() });
        let guess = router.route(&"hello".into(), &Policy { explore: Some(0.0), ..dial.clone() }).unwrap().usd;
        (0..60).map(|_| (router.route(&"hello".into(), &dial).unwrap().usd - guess).max(0.0)).sum::<f64>()
    };
    let unlimited = spent(None);
    let capped = spent(Some(unlimited / 4.0));
    assert!(unlimited > 0.0 && capped > 0.0 && capped <= unlimited / 4.0, "{capped} of {unlimited}");
    assert_eq!(spent(Some(0.0)), 0.0);
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let router = learner(Learning::default());
    let id = route(&router, "hello").id;
    let code = |result: pointsman::error::Result<()>| result.unwrap_err().code();
    for bad in [
        Feedback { score: Some(1.5), usd: None },
        Feedback { score: Some(f64::NAN), usd: None },
        Feedback { score: Some(0.5), usd: Some(-1.0) },
    ] {
        assert_eq!(code(router.feedback(&id, bad)), "BAD_INPUT");
    }
    let good = Feedback { score: Some(0.5), usd: None };
    router.feedback(&id, good).unwrap();
    assert_eq!(code(router.feedback(&id, good)), "BAD_INPUT", "feedback counts once");
    // A decision that is too old is forgotten, and said to be.
    let first = route(&router, "hello").id;
    (0..4096).for_each(|_| drop(route(&router, "hello")));
    assert!(router.feedback(&first, good).unwrap_err().to_string().contains("4096"));

    let plain = Router::load(ROUTER, EMBEDDER, 7).unwrap();
    assert_eq!(code(plain.feedback(&id, good)), "BAD_INPUT");
    assert_eq!(code(plain.export_state().map(drop)), "BAD_INPUT");
    let exploring = Policy { explore: Some(1.0), ..Policy::default() };
    assert_eq!(code(plain.route(&"hello".into(), &exploring).map(drop)), "BAD_INPUT");
    for bad in [learning(0.0), Learning { explore: -1.0, ..learning(1.0) }, Learning { discount: 1.5, ..learning(1.0) }] {
        assert_eq!(Bandit::new(1, 4, bad).unwrap_err().code(), "BAD_INPUT");
    }
}
