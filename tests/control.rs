//! Promise: limits, budgets, sessions and pins hold, and a decision says when one of them decided.

mod support;

use pointsman::bandit::Learning;
use pointsman::policy::{Ineligible, Policy, Reason};
use pointsman::prompt::Prompt;
use pointsman::router::{BatchGoal, Feedback, Router};
use support::Rng;

const EMBEDDER: &[u8] = include_bytes!("data/tiny.onnx");
const ROUTER: &[u8] = include_bytes!("data/tiny.router");

fn router() -> Router {
    Router::load(ROUTER, EMBEDDER, 7).unwrap()
}

fn budgeted(usd: f64) -> Router {
    let mut router = router();
    router.limit(usd).unwrap();
    router
}

fn best() -> Policy {
    Policy { cost_weight: Some(0.0), ..Policy::default() }
}

fn chat(json: serde_json::Value) -> Prompt {
    serde_json::from_value(json).unwrap()
}

#[test]
fn a_running_budget_is_never_exceeded_and_says_so() {
    let (router, mut rng) = (budgeted(0.05), Rng::new(1));
    let (mut spent, mut decided) = (0.0, Vec::new());
    for i in 0..400 {
        let max_output_tokens = Some(rng.below(900) as f64);
        match router.route(&format!("hello {i}").as_str().into(), &Policy { max_output_tokens, ..best() }) {
            Ok(decision) => {
                spent += decision.usd;
                decided.push(decision.reason);
            }
            Err(error) => assert_eq!(error.code(), "NO_ELIGIBLE", "{error}"),
        }
        let budget = router.budget().unwrap();
        assert!(budget.left() >= 0.0 && spent <= budget.committed_usd + 1e-12, "{budget:?}");
    }
    assert!(decided.contains(&Reason::Budget) && decided.contains(&Reason::Utility), "{decided:?}");
    let refused = router.route(&"hello".into(), &Policy { max_output_tokens: Some(9e5), ..best() }).unwrap_err();
    assert!(refused.to_string().contains("left of the budget"), "{refused}");
}

#[test]
fn what_a_call_cost_replaces_what_it_may_cost() {
    let router = budgeted(1.0);
    let decision = router.route(&"hello".into(), &Policy { max_output_tokens: Some(1000.0), ..best() }).unwrap();
    assert!(router.budget().unwrap().committed_usd > decision.usd);
    router.feedback(&decision.id, Feedback { usd: Some(0.25), score: None }).unwrap();
    assert!((router.budget().unwrap().left() - 0.75).abs() < 1e-12);
    let again = router.feedback(&decision.id, Feedback { usd: Some(0.25), score: None }).unwrap_err();
    assert_eq!(again.code(), "BAD_INPUT");
    assert_eq!(router.feedback(&decision.id, Feedback::default()).unwrap_err().code(), "BAD_INPUT");
}

#[test]
fn a_batch_is_committed_whole_or_not_at_all() {
    let prompts: Vec<Prompt> = (0..20).map(|i| format!("prove it {i}").as_str().into()).collect();
    let router = budgeted(1.0);
    let dear = router.assign(&prompts, BatchGoal::CostWeight(0.0), &Policy::default()).unwrap();
    assert!((router.budget().unwrap().committed_usd - dear.usd).abs() < 1e-9);
    let poor = budgeted(dear.usd / 2.0);
    assert_eq!(poor.assign(&prompts, BatchGoal::CostWeight(0.0), &Policy::default()).unwrap_err().code(), "NO_ELIGIBLE");
    assert_eq!(poor.budget().unwrap().committed_usd, 0.0);
}

#[test]
fn the_longest_answer_counts_for_context_and_price() {
    let router = router();
    let barred = |policy: Policy| -> Vec<Option<Ineligible>> {
        router
            .rank(&"hello".into(), &Policy { allow: Some(vec!["small".into()]), ..policy })
            .unwrap()
            .iter()
            .map(|s| s.ineligible)
            .collect()
    };
    assert!(barred(Policy { max_output_tokens: Some(7_900.0), ..best() }).contains(&None));
    assert!(barred(Policy { max_output_tokens: Some(8_000.0), ..best() }).contains(&Some(Ineligible::Context)));
    assert!(barred(Policy { input_tokens: Some(8_000.0), ..best() }).contains(&Some(Ineligible::Context)));
    assert!(barred(Policy { max_output_tokens: Some(1e3), max_usd: Some(1e-4), ..best() }).contains(&Some(Ineligible::Price)));
    assert!(barred(Policy { max_usd: Some(1e-4), ..best() }).contains(&None));
}

#[test]
fn every_message_of_a_chat_is_paid_for() {
    let router = router();
    let usd = |json| router.route(&chat(json), &Policy { pin: Some("large".into()), ..Policy::default() }).unwrap().usd;
    let alone = usd(serde_json::json!([{"role": "user", "content": "hello"}]));
    let story = "the sum of one and two ".repeat(50);
    let long = usd(serde_json::json!([{"role": "system", "content": story}, {"role": "user", "content": "hello"}]));
    // 300 words at 5 US dollars a million tokens.
    assert!((long - alone - 300.0 * 5e-6).abs() < 1e-5, "{alone} {long}");
}

#[test]
fn a_pin_is_the_callers_choice_within_the_limits() {
    let router = router();
    let pin = |id: &str, policy: Policy| router.route(&"hello".into(), &Policy { pin: Some(id.into()), ..policy });
    let decision = pin("small", best()).unwrap();
    assert_eq!((decision.model.as_str(), decision.reason, decision.propensity), ("small", Reason::Pinned, 1.0));
    let refused = pin("small", Policy { needs: vec!["tools".into()], ..best() }).unwrap_err();
    assert_eq!(refused.code(), "NO_ELIGIBLE");
    assert!(refused.to_string().contains("small is pinned") && refused.to_string().contains("lack a needed ability"), "{refused}");
    assert_eq!(pin("giant", best()).unwrap_err().code(), "BAD_INPUT");
}

/// Long enough for a cache to be worth something.
fn turn(i: usize) -> Prompt {
    chat(
        serde_json::json!([{"role": "system", "content": "the sum of one and two ".repeat(400)}, {"role": "user", "content": format!("tell {i}")}]),
    )
}

#[test]
fn a_session_stays_where_its_cache_is_until_a_switch_gains_more() {
    let policy = |weight: f64, session: Option<&str>, stickiness: Option<f64>| Policy {
        cost_weight: Some(weight),
        session: session.map(Into::into),
        stickiness,
        ..Policy::default()
    };
    let pick = |router: &Router, policy: Policy| router.route(&turn(1), &policy).unwrap();
    // The weight at which this prompt leaves the large candidate.
    let free = router();
    let switch = (0..4000).map(|i| f64::from(i) * 1e-3).find(|&w| pick(&free, policy(w, None, None)).model != "large").unwrap();
    let held = router();
    assert_eq!(pick(&held, policy(0.0, Some("s"), None)).model, "large");
    let stays = pick(&held, policy(switch, Some("s"), None));
    assert_eq!((stays.model.as_str(), stays.reason), ("large", Reason::Session));
    let full = stays.scores.iter().find(|s| s.model == "large").unwrap().usd;
    assert!(full < pick(&free, policy(0.0, None, None)).usd, "the cache is off the price");
    assert_ne!(pick(&held, policy(switch, Some("another"), None)).model, "large");
    assert_eq!(pick(&held, policy(0.0, Some("s"), None)).model, "large");
    assert_ne!(pick(&held, policy(switch, Some("s"), Some(0.0))).model, "large");
    // A gain that beats the cache is taken.
    assert_eq!(pick(&held, policy(0.0, Some("s"), None)).model, "large");
    assert_ne!(pick(&held, policy(100.0 * switch, Some("s"), None)).model, "large");
}

#[test]
fn a_router_that_explores_leaves_a_session_its_stickiness() {
    let policy = |weight: f64, stickiness: Option<f64>| Policy {
        cost_weight: Some(weight),
        session: stickiness.map(|_| "s".into()),
        stickiness,
        explore: Some(0.1),
        ..Policy::default()
    };
    let learning = || {
        let mut router = router();
        router.learn(Learning::default(), 3).unwrap();
        router
    };
    // Nothing was heard of any candidate, so none is worth a trial more than another.
    let free = learning();
    let pick = |router: &Router, policy: Policy| router.route(&turn(1), &policy).unwrap();
    let switch = (0..4000).map(|i| f64::from(i) * 1e-3).find(|&w| pick(&free, policy(w, None)).model != "large").unwrap();
    for (stickiness, stays) in [(0.0, false), (1.0, true), (5.0, true)] {
        let held = learning();
        assert_eq!(pick(&held, policy(0.0, Some(stickiness))).model, "large");
        let next = pick(&held, policy(switch, Some(stickiness)));
        assert_eq!(next.model == "large", stays, "{stickiness}");
        assert_ne!(next.reason, Reason::Explore, "{stickiness}");
    }
}

#[test]
fn pictures_alone_go_to_the_strongest_and_say_why() {
    let picture =
        || chat(serde_json::json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}]}]));
    let router = router();
    let careful = router.route(&picture(), &Policy::default()).unwrap();
    assert_eq!((careful.model.as_str(), careful.reason), ("large", Reason::NoText));
    let cheap = router.route(&picture(), &Policy { cost_weight: Some(1e3), ..Policy::default() }).unwrap();
    assert_eq!((cheap.model.as_str(), cheap.reason), ("small", Reason::NoText));
    assert!(careful.scores.iter().zip([0.4, 0.6, 0.75]).all(|(score, mean)| score.quality == mean && score.spread > 0.4));
    assert_eq!(router.embed(&[picture()]).unwrap_err().code(), "BAD_INPUT");
    let mixed = router.assign(&[picture(), "hello".into(), picture()], BatchGoal::CostWeight(0.0), &Policy::default()).unwrap();
    let reasons: Vec<Reason> = mixed.picks.iter().map(|pick| pick.reason).collect();
    assert_eq!(reasons, [Reason::NoText, Reason::Assigned, Reason::NoText]);
    assert_eq!(mixed.picks[1].scores, router.route(&"hello".into(), &best()).unwrap().scores);
}

#[test]
fn batches_take_neither_pins_nor_sessions() {
    for policy in [Policy { pin: Some("small".into()), ..Policy::default() }, Policy { session: Some("s".into()), ..Policy::default() }] {
        let refused = router().assign(&["hello".into()], BatchGoal::CostWeight(0.0), &policy).unwrap_err();
        assert_eq!(refused.code(), "BAD_INPUT");
    }
}
