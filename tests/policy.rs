//! Promise: the choice follows its exchange rate, whatever the estimates.

mod support;

use pointsman::head::Estimate;
use pointsman::policy::{Dials, Ineligible, Knot, Offer, Policy, Reason, choose};
use support::Rng;

/// Coarse numbers, so that ties happen.
fn offers(rng: &mut Rng) -> Vec<Offer> {
    (0..1 + rng.below(8))
        .map(|_| Offer {
            estimate: Estimate { quality: rng.below(11) as f64 / 10.0, spread: rng.below(3) as f64 / 10.0 },
            usd: rng.below(6) as f64 / 1000.0,
            ineligible: (rng.below(6) == 0).then_some(Ineligible::Price),
        })
        .collect()
}

#[test]
fn raising_the_exchange_rate_never_raises_cost_or_quality() {
    let mut rng = Rng::new(1);
    for _ in 0..2000 {
        let offers = offers(&mut rng);
        let picks: Vec<&Offer> = (0..20).filter_map(|i| choose(&offers, f64::from(i * i), 0.0).ok()).map(|c| &offers[c.index]).collect();
        assert!(picks.is_sorted_by(|a, b| a.usd >= b.usd && a.estimate.quality >= b.estimate.quality), "{offers:?}");
    }
}

#[test]
fn a_dominated_candidate_is_never_chosen() {
    let mut rng = Rng::new(2);
    for _ in 0..2000 {
        let offers = offers(&mut rng);
        let lambda = rng.below(300) as f64;
        let Ok(choice) = choose(&offers, lambda, 0.0) else { continue };
        let chosen = &offers[choice.index];
        let beats = |o: &Offer| {
            let (better, cheaper) = (o.estimate.quality - chosen.estimate.quality, chosen.usd - o.usd);
            o.ineligible.is_none() && better >= 0.0 && cheaper >= 0.0 && better + cheaper > 0.0
        };
        assert!(!offers.iter().any(beats), "{offers:?} at {lambda}");
    }
}

#[test]
fn only_the_eligible_are_chosen_and_none_is_an_error() {
    let mut rng = Rng::new(3);
    let mut refused = 0;
    for _ in 0..2000 {
        let offers = offers(&mut rng);
        match choose(&offers, 1.0, 0.0) {
            Ok(choice) => assert_eq!(offers[choice.index].ineligible, None),
            Err(error) => {
                refused += 1;
                assert_eq!(error.code(), "NO_ELIGIBLE");
                assert!(offers.iter().all(|o| o.ineligible.is_some()));
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn reasons_say_what_decided() {
    let offer = |quality, usd, ineligible| Offer { estimate: Estimate { quality, spread: 0.0 }, usd, ineligible };
    let reason = |offers: &[Offer]| choose(offers, 0.0, 0.0).unwrap().reason;
    assert_eq!(reason(&[offer(0.5, 1.0, None), offer(0.9, 2.0, None)]), Reason::Utility);
    assert_eq!(reason(&[offer(0.5, 1.0, None), offer(0.9, 2.0, Some(Ineligible::Price))]), Reason::Budget);
    assert_eq!(reason(&[offer(0.5, 1.0, None), offer(0.9, 2.0, Some(Ineligible::Allow))]), Reason::OnlyEligible);
    assert_eq!(reason(&[offer(0.5, 1.0, None)]), Reason::Utility);
}

#[test]
fn caution_prefers_what_is_known() {
    let offer = |quality, spread| Offer { estimate: Estimate { quality, spread }, usd: 0.0, ineligible: None };
    let offers = [offer(0.7, 0.3), offer(0.6, 0.0)];
    let pick = |caution| choose(&offers, 0.0, caution).unwrap().index;
    assert_eq!((pick(0.0), pick(1.0)), (0, 1));
}

fn dials() -> Dials {
    let knots = [(0.0, 0.80, 3.0), (10.0, 0.82, 2.0), (20.0, 0.70, 1.0), (40.0, 0.71, 0.5), (80.0, 0.40, 0.1)];
    let knots = knots.map(|(lambda, quality, usd)| Knot { lambda, quality, usd }).to_vec();
    Dials { cost_scale: 0.5, default_lambda: 10.0, strongest: 0, knots }
}

#[test]
fn every_dial_becomes_one_exchange_rate() {
    let rate = |policy: &Policy| dials().exchange_rate(policy);
    assert_eq!(rate(&Policy::default()).unwrap(), 10.0);
    assert_eq!(rate(&Policy { cost_weight: Some(2.0), ..Policy::default() }).unwrap(), 4.0);
    // The cheapest knot that reaches the floor, even behind one that misses it.
    assert_eq!(rate(&Policy { min_quality: Some(0.71), ..Policy::default() }).unwrap(), 40.0);
    assert_eq!(rate(&Policy { min_quality: Some(0.0), ..Policy::default() }).unwrap(), 80.0);
    let error = rate(&Policy { min_quality: Some(0.83), ..Policy::default() }).unwrap_err();
    assert_eq!(error.code(), "INFEASIBLE");
    assert!(error.to_string().contains("0.8200"), "{error}");
}

#[test]
fn unusable_dial_tables_are_refused() {
    type Change = fn(&mut Dials);
    let changes: [Change; 6] = [
        |d| d.cost_scale = 0.0,
        |d| d.default_lambda = f64::NAN,
        |d| d.strongest = 3,
        |d| d.knots.clear(),
        |d| d.knots.reverse(),
        |d| d.knots[1].usd = -1.0,
    ];
    assert!(dials().check(3).is_ok());
    for change in changes {
        let mut dials = dials();
        change(&mut dials);
        assert_eq!(dials.check(3).unwrap_err().code(), "BAD_ARTIFACT");
    }
}
